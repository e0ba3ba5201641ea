"""Texts and codes that look like a concept and are none, and names in use that must be found (G, H4.34, H6.48)."""

from __future__ import annotations

import pytest
from charts import ATC, ICD10, RXNORM, SNOMED, VOCABULARY, Json, coded, read, resource

from service.fhir.concepts import Matcher
from service.fhir.resources import CodeableConcept

PROBLEMS: dict[str, str] = {  # a text, and the concepts that it stands for
    "Fy(a-b-)": "duffy-null",
    "Fy(a- b-)": "duffy-null",
    "Fya-b-": "duffy-null",
    "Fy(a+b+)": "",
    "Fy(a-b+)": "",
    "Fy(a+b-)": "",
    "Fya-b+": "",
    "Fya+b-": "",
    "Fy(a-, b+)": "",
    "Duffy null phenotype": "duffy-null",
    "Duffy null: negative": "",
    "Duffy null: not detected": "",
    "Duffy null negative": "",
    "CAR-T cell infusion": "car-t-therapy",
    "Axicabtagene ciloleucel infusion": "car-t-therapy",
    "Infusion of Yescarta": "car-t-therapy",
    "Chemotherapy": "chemotherapy-recorded",
    "Chemotherapy (procedure)": "chemotherapy-recorded",
    "Administration of antineoplastic agent": "chemotherapy-recorded",
    "History of chemotherapy": "",
    "Hx of chemotherapy": "",
    "Chemotherapy declined": "",
    "Radiation therapy": "radiation-therapy",
    "External beam radiotherapy": "radiation-therapy",
    "Hx of radiotherapy": "",
    "Hypotension": "hypotension",
    "Shock": "hypotension",
    "Electric shock": "",
    "Culture shock": "",
    "Shock wave lithotripsy": "",
    "Anaphylactic shock": "",
    "Ocular hypotension": "",
    "Orthostatic hypotension": "",
    "Postural hypotension": "",
    "Intracranial hypotension": "",
    "Sepsis": "sepsis",
    "Sepsis, history of diabetes": "sepsis",
    "Septic shock": "sepsis hypotension",
    "Hx of sepsis": "",
    "H/o sepsis": "",
    "History of septic shock": "",
    "Post-sepsis syndrome": "",
    "At risk for sepsis": "",
    "Sepsis screening": "",
    "Sepsis ruled out": "",
    "Sepsis, ruled out": "",
    "r/o sepsis": "",
    "Sepsis?": "",
    "?sepsis": "",
    "Fever": "fever",
    "Fever (finding)": "fever",
    "Pyrexia": "fever",
    "H/o fever": "",
    "Family history, on the mother's side. Fever": "fever",
    "Acute myeloid leukemia": "hematologic-malignancy cancer-active",
    "AML": "hematologic-malignancy cancer-active",
    "CLL": "hematologic-malignancy cancer-active",
    "CML": "hematologic-malignancy cancer-active",
    "MDS": "hematologic-malignancy",
    "Acute lymphoblastic leukaemia": "hematologic-malignancy cancer-active",
    "Hodgkin disease": "hematologic-malignancy cancer-active",
    "non-Hodgkin lymphoma": "hematologic-malignancy cancer-active",
    "All immunizations up to date": "",
    "ALL": "",
    "FH: leukemia": "",
    "FHx: AML": "",
    "Family history: leukemia": "",
    "Family hx of leukaemia": "",
    "Leukemia, family history": "",
    "History of Hodgkin lymphoma": "",
    "H/o acute lymphoblastic leukemia": "",
    "Leukemia in remission": "",
    "Acute myeloid leukemia, in remission": "",
    "Acute myeloid leukemia, not having achieved remission": "hematologic-malignancy cancer-active",
    "? leukemia": "",
    "leukemia, r/o": "",
    "R/O: leukemia": "",
    "HIV": "hiv",
    "HIV PrEP": "",
    "Pre-exposure prophylaxis for HIV": "",
    "HIV infection, on PJP prophylaxis": "hiv",
    "Celiac disease": "celiac",
    "Celiac artery stenosis": "",
    "Coeliac plexus block": "",
    "Celiac disease excluded": "",
    "Lupus": "lupus autoimmune-disease",
    "Lupus anticoagulant": "",
    "Systemic lupus erythematosus with lupus anticoagulant": "lupus autoimmune-disease",
    "Hepatitis B": "hepatitis-b liver-disease",
    "Hepatitis B immune": "",
    "Hepatitis B vaccination": "",
    "Blood transfusion": "red-cell-transfusion",
    "Blood transfusion declined": "",
    "Crohn?s disease": "crohn",  # an apostrophe that was lost on the way
    "Crohn's disease in mother": "",
    "Pre-eclampsia in mother": "maternal-preeclampsia",
    "Vitamin B12 deficiency in mother": "infant-of-deficient-mother",
    "History of gastrectomy": "gastrectomy",
    "H/o gastric bypass": "bariatric-surgery",
    "Mucositis": "mucositis",
    "Mouth ulcers": "mucositis",
    "Stomatitis": "mucositis",
    "Denture stomatitis": "",
    "Recurrent aphthous stomatitis": "",
    "History of aphthous ulcers": "",
    "Angular stomatitis": "",
    "Angular cheilitis": "",
    "Stomatitis nicotina": "",
}


def problems(code: Json) -> set[str]:
    return {id for found in read(resource("Condition", code=code)).problems for id in found.concepts}


@pytest.mark.parametrize(("text", "concepts"), PROBLEMS.items())
def test_a_text_of_a_condition_stands_for_what_it_says(text: str, concepts: str) -> None:
    assert problems({"text": text}) == set(concepts.split())


PROBLEM_CODES = [
    ("I95.9", "hypotension"),
    ("I95", "hypotension"),
    ("R57.9", "hypotension"),
    ("R03.1", "hypotension"),
    ("I95.0", ""),
    ("I95.1", ""),
    ("I95.2", ""),
    ("I95.81", ""),
    ("R65.10", ""),
    ("R65.21", "sepsis"),
    ("K12.0", ""),
    ("K12.30", "mucositis"),
    ("K12.31", "mucositis"),
    ("J34.81", "mucositis"),
    ("K92.81", "mucositis"),
]


@pytest.mark.parametrize(("code", "concepts"), PROBLEM_CODES)
def test_a_code_of_a_condition_stands_for_what_it_means(code: str, concepts: str) -> None:
    assert problems(coded(code, system=ICD10)) == set(concepts.split())


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ({"text": "Chemotherapy"}, "chemotherapy-recorded"),
        (coded("367336001", "Chemotherapy (procedure)", SNOMED), "chemotherapy-recorded"),
        ({"text": "Radiotherapy to the pelvis"}, "radiation-therapy"),
        ({"text": "CAR T-cell therapy"}, "car-t-therapy"),
    ],
)
def test_a_treatment_is_found_as_a_procedure(code: Json, concept: str) -> None:
    found = read(resource("Procedure", status="completed", code=code, performedDateTime="2026-05-01")).problems
    assert [set(p.concepts) for p in found] == [{concept}]


CYTOTOXIC = [
    "mitoxantrone", "thiotepa", "chlorambucil", "procarbazine", "dacarbazine", "bleomycin", "mitomycin", "clofarabine",
    "nelarabine", "cabazitaxel", "eribulin", "trabectedin", "tipiracil", "vindesine", "vinorelbine", "vincristine",
    "vinblastine", "arsenic trioxide", "asparaginase", "pegaspargase", "5-FU", "FOLFOX", "FOLFIRI",
    "mFOLFIRINOX 6 (FOLFIRINOX)", "R-CHOP", "CHOP", "ABVD", "BEACOPP", "melphalan", "busulfan", "ifosfamide",
    "treosulfan", "azacitidine", "decitabine", "pemetrexed", "capecitabine", "temozolomide", "ixabepilone",
    "pralatrexate", "sacituzumab govitecan", "trastuzumab deruxtecan", "fam-trastuzumab deruxtecan-nxki",
    "ado-trastuzumab emtansine", "brentuximab vedotin", "polatuzumab vedotin", "enfortumab vedotin",
    "gemtuzumab ozogamicin", "inotuzumab ozogamicin", "Endoxan", "trifluridine/tipiracil",
]  # fmt: skip
DRUGS: dict[str, str] = {
    **dict.fromkeys(CYTOTOXIC, "cytotoxic"),
    "Hydrea 500 mg capsule": "cytotoxic hydroxyurea",
    "hydroxycarbamide": "cytotoxic hydroxyurea",
    "axicabtagene ciloleucel": "cytotoxic-late",
    "CAR-T cells": "cytotoxic-late",
    "Kymriah": "cytotoxic-late",
    "trastuzumab": "",
    "Fluorouracil 5 % cream": "",
    "Mitomycin 40 mg intravesical": "",
    "BCG live intravesical": "bcg-intravesical",
    "Trifluridine 1 % eye drops": "",
    "Paclitaxel-coated balloon": "",
    "Allergies: methotrexate": "",
    **dict.fromkeys(["MTX 15 mg", "Trexall", "Otrexup", "Rasuvo", "Metoject"], "methotrexate"),
    **dict.fromkeys(["Clozaril", "Leponex", "Zaponex"], "clozapine"),
    "Tapazole": "thionamide",
    **dict.fromkeys(["Novalgin", "Analgin", "Nolotil"], "metamizole"),
    "Ferriprox": "deferiprone",
    "trimethoprim prophylaxis": "trimethoprim",
}
PRODUCTS: dict[str, list[str]] = {  # a product by its brand or as it is spelled, without the word of the ingredient
    "trimethoprim": [
        "Bactrim DS 800-160 mg Oral Tablet", "Septra DS", "Septrin Forte", "SMZ-TMP DS 800-160", "SMX/TMP 160 mg",
        "TMP/SMX DS 1 tab", "TMP-SMZ", "Co-trimoxazole 480 mg", "Cotrim forte", "Sulfatrim pediatric suspension",
        "Primsol 50 mg/5 mL", "Proloprim", "Eusaprim forte", "Cotrimoxazole 960 mg",
        "sulfamethoxazole 800 MG / trimethoprim 160 MG Oral Tablet [Bactrim]",
    ],
    "pyrimethamine": ["Daraprim 25 mg", "Fansidar"],
    "triamterene": ["Dyazide 37.5-25 mg", "Maxzide-25"],
    "antiepileptic": ["Dilantin 100 mg ER", "Depakote ER 500 mg", "Mysoline 250 mg", "Phenobarb 64.8 mg", "Epilim"],
    "antiepileptic carbamazepine": ["Tegretol XR 200 mg", "Epitol", "Carbatrol 300 mg", "Equetro", "Timonil retard"],
    "azathioprine": ["Imuran 50 mg", "Azasan 75 mg", "Imurek", "Azamun", "Jayempi"],
    "ganciclovir": ["Valcyte 450 mg", "Cytovene IV", "Cymevene 500 mg", "Cymeven i.v."],
    "linezolid": ["Zyvox 600 mg", "Zyvoxid"],
    "zidovudine": ["Retrovir 300 mg", "Combivir", "Trizivir"],
    "sulfasalazine": ["Azulfidine EN-tabs", "Salazopyrin EN 500 mg", "Salazopyrine"],
    "dapsone": ["Disulone", "Dapson 100 mg"],
    "dapsone pyrimethamine": ["Maloprim"],
    "deferiprone": ["Ferriprox 500 mg tablet"],
    "deferasirox": ["Exjade 500 mg", "Jadenu 360 mg"],
    "metamizole": ["Novalgina gotas", "Dipirona 500 mg", "Pyralgina", "Algopyrin"],
    "thionamide": ["Northyx 5 mg", "Néo-Mercazole 20 mg", "Thyrozol 10 mg", "Thacapzol"],
    "methotrexate": ["Ebetrexat 10 mg", "Maxtrexate", "RediTrex 15 mg/0.6 mL", "Metex PEN 15 mg", "Amethopterin"],
    "clozapine": ["Clopine 100 mg", "Denzapine", "Versacloz 50 mg/mL"],
    "hydroxyurea cytotoxic": ["Xromi 100 mg/mL", "Litalir 500 mg"],
    "mercaptopurine cytotoxic": ["Purixan 20 mg/mL", "Lanvis 40 mg"],
    "cytotoxic-late cytotoxic": ["Gleostine 40 mg", "Mavenclad 10 mg", "Zanosar"],
    "cdk4-6-inhibitor": ["Ibrance 125 mg", "Kisqali", "Verzenio 150 mg"],
    "parp-inhibitor": ["Lynparza 300 mg", "Zejula"],
    "btk-inhibitor": ["Imbruvica 420 mg", "Brukinsa"],
    "bcl2-inhibitor": ["Venclexta starting pack"],
    "jak-inhibitor": ["Xeljanz XR 11 mg", "Rinvoq 15 mg", "Jakafi 10 mg"],
    "il-6-inhibitor": ["Actemra 162 mg/0.9 mL", "Kevzara"],
    "rituximab": ["Rituxan 500 mg/50 mL", "MabThera", "Truxima", "Ocrevus 300 mg", "Kesimpta"],
    "alemtuzumab": ["Lemtrada 12 mg/1.2 mL"],
    "mycophenolate": ["CellCept 500 mg", "Myfortic 360 mg"],
    "leflunomide": ["Arava 20 mg", "Aubagio 14 mg"],
    "interferon": ["Pegasys 180 mcg", "Avonex pen"],
    "lamotrigine": ["Lamictal 100 mg"],
    "allopurinol": ["Zyloprim 300 mg"],
    "beta-lactam": ["Augmentin 875-125 mg", "Zosyn 4.5 g", "Rocephin 1 g"],
    "chloroquine": ["Plaquenil 200 mg"],
    "mirtazapine": ["Remeron 15 mg"],
    "ticlopidine": ["Ticlid 250 mg"],
    "corticosteroid": ["Medrol dose pack", "Solu-Medrol 125 mg", "Decadron 4 mg"],
    "g-csf": [
        "Neupogen 300 mcg/0.5 mL", "Neulasta Onpro", "Zarxio", "Nivestym", "Nivestim", "Granix", "Ziextenzo",
        "Udenyca", "Fulphila", "Nyvepria", "Releuko", "Accofil", "Zarzio", "Ratiograstim", "Tevagrastim", "Lonquex",
        "Granocyte 34", "Leukine 250 mcg", "G-CSF 480 mcg SC daily",
    ],
    "folic-acid": [
        "Folvite 1 mg", "Deplin 15 mg", "Levomefolic acid 7.5 mg", "Levomefolate calcium", "L-methylfolate 15 mg",
        "5-MTHF 1 mg", "Vitamin B9 400 mcg", "Folsäure 5 mg", "Acide folique 5 mg", "Foliumzuur 5 mg",
        "Acido folico 5 mg",
    ],
    "folic-acid vitamin-b12": ["Metanx", "Foltx"],
    "leucovorin": ["Fusilev 50 mg", "Calcium folinate 15 mg", "Folinsäure"],
    "vitamin-b12": [
        "Nascobal nasal spray 500 mcg", "Cobalin-H 1 mg/mL", "Neo-Cytamen", "Cytamen", "Hydroxocobalamine 1 mg",
        "Hydroxycobalamin 1000 mcg", "Eligen B12", "Vit. B12 1000 mcg", "B-12 injection", "B-12 1,000 mcg",
        "Cianocobalamina 1 mg",
    ],
    "zinc-supplement": ["Solvazinc 125 mg", "Orazinc 220 mg", "Zincate 220 mg", "Unizink 50"],
    "zinc-supplement zinc-acetate": ["Galzin 50 mg", "Wilzin 25 mg"],
    "copper-supplement": ["Cupric chloride 0.4 mg/mL", "Cupric gluconate 2 mg"],
    "penicillamine-trientine": ["Cuprimine 250 mg", "Depen Titratabs", "Syprine 250 mg", "Cufence", "Cuprior",
                                "Cuvrior 300 mg", "Trientin", "Penicillamin", "Metalcaptase"],
    "iron": [
        "Feraheme 510 mg", "Venofer 200 mg", "Injectafer 750 mg", "Ferinject", "Monofer", "Ferrlecit", "Slow Fe",
        "Feosol", "Ferrous sulfate 325 mg", "FERROUS FUMARATE 324 mg", "Ferrous gluconate 240 mg", "Iron sucrose",
        "Ferric carboxymaltose", "Accrufer 30 mg",
    ],
    "metformin": ["Glucophage XR 500 mg", "Janumet 50-1000", "Synjardy"],
    "acid-suppression": ["Prilosec OTC", "Nexium 40 mg", "Prevacid SoluTab", "Protonix IV", "Pepcid AC", "Losec MUPS"],
    "nitrous-oxide": ["Entonox", "Nitronox", "Equanox", "Pronox"],
    "paracetamol": ["Tylenol 8 HR", "Panadol Extra", "Calpol Six Plus", "Ofirmev 1 g", "Percocet 5-325"],
    "nsaid": ["Advil Liqui-Gels", "Motrin IB", "Aleve 220 mg", "Voltaren 50 mg EC tablet", "Feldene 20 mg", "Ponstan"],
    "nsaid paracetamol": ["Nuromol", "Advil Dual Action"],
    "nsaid acid-suppression": ["Vimovo 500-20", "Duexis"],
    "anticoagulant": [
        "Coumadin 5 mg", "Jantoven", "Eliquis 5 mg", "Xarelto 20 mg", "Pradaxa 150 mg", "Lixiana", "Savaysa",
        "Lovenox 40 mg", "Clexane 60 mg", "Fragmin", "Innohep", "Marcumar 3 mg", "Waran 2.5 mg",
    ],
    "live-viral-vaccine": [
        "Ervebo", "Ervebo (Ebola Zaire vaccine, live, recombinant)", "ACAM2000 vaccine", "Qdenga vaccine", "ProQuad",
        "Priorix", "M-M-R II", "Varivax", "Varilrix", "Zostavax", "Stamaril", "YF-Vax", "FluMist", "Fluenz Tetra",
        "RotaTeq", "Rotarix", "smallpox (vaccinia) vaccine, live", "Ixchiq vaccine", "yellow fever live",
    ],
    "oral-typhoid-vaccine": ["Vivotif"],
    "bcg-vaccine": ["Tubervac"],
    "bcg-intravesical": ["TICE", "OncoTICE", "VERITY-BCG", "BCG Vesiculture", "Onco-BCG", "BCG installation"],
    "parenteral-nutrition": ["SmofKabiven Central", "Olimel N9E"],
}  # fmt: skip
DRUGS |= {text: concepts for concepts, texts in PRODUCTS.items() for text in texts}
DRUGS |= dict.fromkeys([
    "Voltaren Emulgel", "Voltaren Arthritis Pain Gel", "Voltaren 1 % gel", "Nurofen gel", "Zinc oxide",
    "Zinc oxide paste", "Óxido de zinc", "BCG titer", "Coumadin clinic", "Nitric oxide 20 ppm", "Aczone 7.5 % gel",
    "Dapsone 5 % gel", "Amphotericin B 12 mg", "Bactroban 2 %", "Polytrim eye drops",
    "Trimethoprim / polymyxin B ophthalmic solution", "Zirgan 0.15 % ophthalmic gel", "Sulfadiazine silver",
    "Azithromycin 250 mg", "AZT", "Oxtellar XR 600 mg", "Aptiom", "Trileptal 300 mg", "Cerezyme", "Chromium picolinate",
    "ParaGard T 380A copper", "Copper T IUD", "Stérilet au cuivre", "Jynneos",
    "smallpox and monkeypox vaccine, live, non-replicating", "Vimkunya", "Vaxchora", "Shingrix",
    "Zoster vaccine, recombinant", "Vaccinia immune globulin", "Pennsaid 2 %", "Flector patch", "Opzelura 1.5 % cream",
    "Neulasta allergy", "No Bactrim", "Anti-folate", "Proton density", "Prevnar 20", "Cyproheptadine", "Trientalis",
    "Acetylcysteine", "Feraheme allergy", "Gliadel wafer", "Folotyne", "Tacrolimus 1 mg", "Warfarin level",
], "")  # fmt: skip
SHARED = [  # concepts of which one name, or a name within it, stands for both
    {"carbamazepine", "antiepileptic"}, {"mercaptopurine", "cytotoxic"}, {"hydroxyurea", "cytotoxic"},
    {"cytotoxic-late", "cytotoxic"}, {"zinc-acetate", "zinc-supplement"}, {"possible-zinc-source", "zinc-supplement"},
    {"prenatal-vitamin", "multivitamin"}, {"prenatal-vitamin", "iron"}, {"folic-acid", "vitamin-b12"},
    {"dapsone", "pyrimethamine"}, {"nsaid", "paracetamol"}, {"nsaid", "acid-suppression"},
    {"prednisone", "corticosteroid"},
]  # fmt: skip


def drugs(concept: Json) -> set[str]:
    sent = resource(
        "MedicationRequest", status="active", intent="order", authoredOn="2026-05-01", medicationCodeableConcept=concept
    )
    return {id for found in read(sent).medications for id in found.concepts}


@pytest.mark.parametrize(("text", "concepts"), DRUGS.items())
def test_a_name_of_a_drug_stands_for_what_it_is(text: str, concepts: str) -> None:
    assert drugs({"text": text}) == set(concepts.split())


def test_a_name_of_a_drug_stands_in_no_other_concept_by_mistake() -> None:
    """Of every drug: also of those without an ATC code, and also a name within another one's name."""
    matcher = Matcher(VOCABULARY, "drug", "both")
    named = [(c.id, n) for c in VOCABULARY.concepts.values() if c.kind in ("drug", "both") for n in c.names]
    found = [(id, name, matcher.match(CodeableConcept(text=name))[0]) for id, name in named]
    assert not [(id, name) for id, name, ids in found if id not in ids]
    met = [(id, name, other) for id, name, ids in found for other in ids - {id}]
    assert not [one for one in met if {one[0], one[2]} not in SHARED]
    assert not [pair for pair in SHARED if not any({id, other} == pair for id, _, other in met)]


DRUG_CODES = [
    ("5552", RXNORM, "cytotoxic hydroxyurea"),
    ("L01XX05", ATC, "cytotoxic hydroxyurea"),
    ("L01FX", ATC, "cytotoxic"),
    ("L01BA01", ATC, "methotrexate"),
    ("L01EF01", ATC, "cdk4-6-inhibitor"),
    ("L01EJ01", ATC, "jak-inhibitor"),
    ("L01EL01", ATC, "btk-inhibitor"),
    ("L01FA01", ATC, "rituximab"),
    ("L01XK01", ATC, "parp-inhibitor"),
    ("L01XX52", ATC, "bcl2-inhibitor"),
    ("L01XX78", ATC, "bcl2-inhibitor"),
    ("L01XC02", ATC, "rituximab"),  # until 2020
    ("L01XC03", ATC, "cytotoxic"),
    ("L01XE18", ATC, "jak-inhibitor"),
    ("L01XE27", ATC, "btk-inhibitor"),
    ("L01XE33", ATC, "cdk4-6-inhibitor"),
    ("L01XE01", ATC, "cytotoxic"),
    ("L01XX46", ATC, "parp-inhibitor"),
    ("L01XX41", ATC, "cytotoxic"),
]


@pytest.mark.parametrize(("code", "system", "concepts"), DRUG_CODES)
def test_only_what_is_listed_by_name_is_excepted_from_the_cytotoxics(code: str, system: str, concepts: str) -> None:
    assert drugs(coded(code, system=system)) == set(concepts.split())


NOT_LONG_KNOWN = [
    {"text": "Drug-induced neutropenia"},
    {"text": "Chemotherapy-induced neutropenia"},
    {"text": "Febrile neutropenia"},
    coded("D70.1", "Agranulocytosis secondary to cancer chemotherapy", "http://hl7.org/fhir/sid/icd-10-cm"),
    coded("47318007", "Neutropenia caused by a medication", SNOMED),
]


@pytest.mark.parametrize("code", NOT_LONG_KNOWN, ids=str)
def test_a_count_that_a_drug_or_fever_names_is_no_long_known_one(code: Json) -> None:
    """H1.7: a known neutropenia makes a warning of an alarm."""
    found = read(resource("Condition", code=code)).problems
    assert not any("neutropenia-chronic" in problem.concepts for problem in found)
