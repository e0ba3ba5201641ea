// Starts Swagger UI on the contract of this service. No validator is asked: it would be sent the address.
"use strict";
const place = document.getElementById("docs");
SwaggerUIBundle({
  domNode: place,
  url: place.dataset.contract,
  validatorUrl: null,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  supportedSubmitMethods: place.dataset.try === "yes" ? ["get", "post"] : [],
});
