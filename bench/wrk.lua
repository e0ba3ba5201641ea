-- Calls about a new patient each time, as EHRs make them; what came back is printed as one line of JSON.
-- Arguments: a file with the body, in which 0x00 stands for the id of the patient; the number of the first patient.
local threads = {}
local pieces
other, number, sent = 0, 0, -1 -- wrk asks for one request more, which it does not send

function setup(thread) table.insert(threads, thread) end

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   local body = file:read("*a")
   file:close()
   pieces, number = {}, tonumber(arguments[2])
   for piece in (body .. "\0"):gmatch("(.-)%z") do table.insert(pieces, piece) end
end

function request()
   number, sent = number + 1, sent + 1
   local body = table.concat(pieces, string.format("bench-%09d", number))
   return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end

function response(status) if status ~= 200 then other = other + 1 end end

function done(summary, latency)
   local thread, errors = threads[1], summary.errors
   local form = '\n{"sent": %d, "answers": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, "other": %d, "broken": %d}\n'
   io.write(form:format(thread:get("sent"), summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6,
      latency:percentile(99) / 1e6, thread:get("other"), errors.connect + errors.read + errors.write + errors.timeout))
end
