"""One Assessment by hand for each kind of card."""

from __future__ import annotations

from builders import (
    REPEAT,
    cause,
    count,
    moderate,
    normal,
    nutrient,
    on,
    order,
    patient,
    result,
    severe,
    ungraded,
    unmeasured,
)

from service.clinical.assessment import Option
from service.clinical.facts import Gap

MMA = order(
    "methylmalonic-acid",
    "vitamin-b12",
    "Vitamin B12 is in the indeterminate band: methylmalonic acid tells deficiency from sufficiency.",
    code="13964-2",
)
HEMATOLOGY = order(
    "hematology-urgent", "referral", "A count below 0.5 x10*9/L needs hematology the same day.", "referral", "urgent"
)
B12_OPTION = Option(
    "vitamin-b12-replacement",
    "Hydroxocobalamin 1 mg intramuscular three times a week for 2 weeks, then every 2-3 months; "
    "or cyanocobalamin 1-2 mg by mouth daily.",
    "Draw diagnostic samples first when that delays nothing. "
    "Deep subcutaneous or oral when platelets are below 50 x10*9/L.",
    "bnf",
)
B12_LOW = result("vitamin B12", "140", "pg/mL", "deficient", "<180 pg/mL", "2026-06-10")


MILD = patient()
INDETERMINATE = moderate(
    nutrients=(
        nutrient(
            "vitamin B12", "indeterminate", result("vitamin B12", "250", "pg/mL", "indeterminate", "180 to 350 pg/mL")
        ),
        *unmeasured("folate", "copper"),
    ),
    causes=(
        cause("vitamin-b12-deficiency", "not-assessable", "indeterminate"),
        cause("folate-deficiency", "not-assessable", "not-measured"),
        cause("copper-deficiency", "not-assessable", "not-measured"),
    ),
    orders=(REPEAT, MMA),
)
PERNICIOUS = moderate(
    count=count("0.90"),
    flags=("bicytopenia",),
    lineages=(
        result("hemoglobin", "9.1", "g/dL", "below", "<12.0 g/dL", citation="who-2024"),
        result("MCV", "115", "fL", "above", ">100 fL", citation="who-2024"),
    ),
    nutrients=(
        nutrient(
            "vitamin B12", "deficient", B12_LOW, result("methylmalonic acid", "7.4", "umol/L", "raised", ">0.40 umol/L")
        ),
        nutrient(
            "folate", "sufficient", result("folate", "15.6", "ng/mL", "sufficient", ">=4 ng/mL", citation="who-folate")
        ),
        *unmeasured("copper"),
    ),
    causes=(
        cause("vitamin-b12-deficiency", "established", "macrocytosis", "second-cytopenia", citation="nice-ng239"),
        cause("pernicious-anemia", "established", "intrinsic-factor-antibody", citation="nice-ng239"),
        cause("drug-induced", "possible", "metformin", kind="competing"),
        cause("folate-deficiency", "unlikely", "sufficient"),
        cause("copper-deficiency", "not-assessable", "not-measured"),
    ),
    orders=(
        REPEAT,
        order("ferritin", "vitamin-b12", "Iron deficiency often comes with it."),
        order("vitamin-b12-replacement", "treatment", "Deficiency is treated.", "medication"),
    ),
    options=(B12_OPTION,),
)
FOLATE = patient(
    count=count("1.30"),
    indicator="warning",
    nutrients=(
        nutrient(
            "folate", "deficient", result("folate", "2.4", "ng/mL", "deficient", "<3 ng/mL", citation="who-folate")
        ),
        *unmeasured("vitamin B12", "copper"),
    ),
    causes=(cause("folate-deficiency", "probable", "macrocytosis", "b12-unknown", contributing=("celiac-disease",)),),
    orders=(
        order(
            "vitamin-b12", "folate", "Vitamin B12 first: folic acid alone can hide its deficiency.", priority="urgent"
        ),
        order("ferritin", "work-up"),
        order("copper", "work-up"),
    ),
)
COPPER = moderate(
    nutrients=(
        nutrient(
            "copper",
            "deficient",
            result("copper", "42", "ug/dL", "deficient", "<51 ug/dL", citation="espen"),
            result("zinc", "180", "ug/dL", "high", ">120 ug/dL", citation="espen"),
            reasons=("crp-not-measured",),
        ),
        nutrient("vitamin B12", "sufficient", result("vitamin B12", "520", "pg/mL", "sufficient", ">350 pg/mL")),
    ),
    causes=(
        cause(
            "copper-deficiency",
            "probable",
            "anemia-platelets-preserved",
            contributing=("gastric-bypass", "zinc-exposure"),
        ),
        cause("vitamin-b12-deficiency", "unlikely", "sufficient"),
    ),
    orders=(REPEAT, order("urine-copper-24h", "copper", "It tells copper deficiency from Wilson disease.")),
)
WILSON = patient(
    flags=("wilson-suspected",),
    nutrients=(
        nutrient(
            "copper",
            "indeterminate",
            result("copper", "42", "ug/dL", "deficient", "<51 ug/dL", citation="espen"),
            result("ceruloplasmin", "8", "mg/dL", "low", "<20 mg/dL", citation="espen"),
            reasons=("wilson-suspected",),
        ),
    ),
    causes=(
        cause("copper-deficiency", "possible", "indeterminate"),
        cause("wilson-disease", "possible", kind="competing"),
    ),
    orders=(
        order("urine-copper-24h", "copper", "Copper and ceruloplasmin are both low: urine copper tells the two apart."),
        order("hepatology-referral", "referral", kind="referral"),
        order("slit-lamp-examination", "copper", kind="procedure"),
    ),
)
CLUMPED = ungraded(
    flags=("pseudoneutropenia",),
    gaps=(Gap("neutrophils", "clumped-or-old-sample", "Observation/anc", when=on("2026-06-13")),),
    orders=(order("cbc-with-manual-differential", "repeat"), order("citrate-tube-cbc", "repeat")),
)
STALE = ungraded(
    rows=("stale-below-1.0",), flags=("stale-anc",), ungraded=count("0.80", "2025-12-01"), orders=(REPEAT,)
)
PROVISIONAL = normal(
    count=count("1.60", "2026-06-10"),
    flags=("provisional",),
    indicator="critical",
    ungraded=count("0.30", "2026-06-15", "preliminary"),
    orders=(HEMATOLOGY,),
)
EMERGENCY = severe(
    "0.05",
    severity="very-severe",
    severity_band="<0.2 10*9/L",
    count=count("0.05", "2026-06-15"),
    emergencies=("febrile-neutropenia",),
    febrile=True,
    flags=("febrile-neutropenia",),
    nutrients=(nutrient("vitamin B12", "deficient", B12_LOW),),
    causes=(
        cause("vitamin-b12-deficiency", "possible", "no-feature"),
        cause("drug-induced", "probable", kind="competing", contributing=("metamizole",)),
    ),
    orders=(
        order("emergency-evaluation", "emergency", "Fever with a count below 0.5 x10*9/L.", "referral", "stat"),
        order("blood-culture", "emergency", "Before the first antibiotic dose.", priority="stat"),
        order("intrinsic-factor-antibody", "vitamin-b12"),
    ),
    options=(B12_OPTION,),
)
BLASTS = severe(
    emergencies=("blasts",),
    rows=("blasts", "severe-neutropenia"),
    beside="critical",
    flags=("blasts", "pancytopenia"),
    causes=(cause("hematologic-malignancy", "probable", kind="competing"),),
    orders=(order("hematology-urgent", "emergency", "Blasts on the smear.", "referral", "stat"), REPEAT),
)
DEFICIENT_NORMAL = normal(
    indicator="warning",
    rows=("b12-deficient",),
    nutrients=(nutrient("vitamin B12", "deficient", B12_LOW), *unmeasured("folate")),
    orders=(order("intrinsic-factor-antibody", "vitamin-b12", "Confirmed deficiency without an obvious cause."),),
    options=(B12_OPTION,),
)
INDETERMINATE_NORMAL = normal(nutrients=INDETERMINATE.nutrients, orders=(MMA,))
NOTHING = normal(indicator="none", rows=())
INFANT = severe(
    flags=("nutrition-not-led",),
    nutrients=(nutrient("vitamin B12", "deficient", B12_LOW),),
    causes=(
        cause("vitamin-b12-deficiency", "established", "maternal-b12-deficiency"),
        cause("congenital-neutropenia", "possible", kind="competing"),
    ),
    orders=(order("pediatric-hematology-referral", "referral", kind="referral", priority="urgent"), REPEAT),
)

EVERYONE = {
    "mild": MILD,
    "indeterminate": INDETERMINATE,
    "pernicious": PERNICIOUS,
    "folate": FOLATE,
    "copper": COPPER,
    "wilson": WILSON,
    "clumped": CLUMPED,
    "stale": STALE,
    "provisional": PROVISIONAL,
    "emergency": EMERGENCY,
    "blasts": BLASTS,
    "deficient-normal": DEFICIENT_NORMAL,
    "indeterminate-normal": INDETERMINATE_NORMAL,
    "nothing": NOTHING,
    "infant": INFANT,
}
