"""Common English words to write, and which of them are never written in training."""

from __future__ import annotations

ALPHABET = "abcdefghijklmnopqrstuvwxyz"

WORDS = tuple(
    """
    able about above across act add after again against age ago air all almost alone along already also
    always among amount animal answer any apple area arm around arrive art ask away baby back bad ball bank
    base bath beach bear beautiful because become bed before begin behind believe below best better between
    beyond big bird black blood blue board boat body bone book both bottom box boy branch bread break breath
    bridge bright bring brother brown build burn bus busy but buy call camp can car care carry case cat
    catch cause cell center chair chance change check child choose church circle city class clean clear
    climb clock close cloth cloud coast cold color come common cook cool copy corner cost cotton count
    country course cover cow cross crowd cry current curve cut dance dark day dead deal dear deep degree
    desk develop die differ dinner direct distant dizzy doctor dog dollar done door double down draw dream
    dress drink drive drop dry during dust each ear early earth east easy eat edge effect egg eight either
    electric else empty end enemy engine enjoy enough enter equal equip even evening event ever every exact
    example except excite exercise exit expect extra eye face fact fair fall family famous far farm fast
    father favor fear feed feel feet few field fifty fight figure fill final find fine finger finish fire
    first fish five fix flat floor flow flower fly follow food foot for force forest forget form forward
    four fox free fresh friend from front fruit full fun game garden gas gather gave general gentle get girl
    give glad glass go gold good govern grand grass gray great green grew ground group grow guess guide gun
    hair half hand happen happy hard hat have he head hear heart heat heavy height help her here high hill
    him history hit hold hole home hope horse hot hour house how huge human hundred hunt hurry ice idea if
    imagine inch include index industry insect instant instead interest into iron island jacket jazz jelly
    job join joke journey joy judge juice jump just keep key kick kill kind king kitchen knee knew know lady
    lake land language large last late laugh law lay lazy lead learn least leave left leg length less let
    letter level lie life lift light like line liquid list listen little live lone long look lost lot loud
    love low lunch machine magnet main major make man many map mark market master match material matter
    maximum maybe mean measure meat meet melody member men metal method middle might mile milk million mind
    mine minute miss mix mixture modern moment money month moon more morning most mother motion mount mouth
    move much music must name nation nature near neck need never new next night nine noise noon north nose
    note nothing notice noun now number object observe ocean off offer office often oil old once one only
    open operate opposite orange order other our out over own oxygen page paint pair paper parent part party
    pass past path pattern pay people perhaps person phrase piano picture piece place plain plan plane
    planet plant play please plural poem point poor port pose position possible pound power practice prepare
    present press pretty print prize probable problem process produce project proper protect prove provide
    pull push put puzzle quality quart queen question quick quiet quite quiz quotient race radio rain raise
    ran range rather reach read ready real reason receive record red region remember repeat reply rest
    result rich ride right ring rise river road rock roll room root rope round row rub rule run safe said
    sail salt same sand save say scale school science score sea search season seat second section see seed
    seem select sell send sense sentence separate serve seven several shape share sharp she sheet shell
    shine ship shirt shoe shop short should shoulder shout show side sight sign silent silver similar simple
    since sing single sister sit six size skill skin sky sleep slip slow small smell smile snow soft soil
    soldier solution solve some son song soon sound south space speak special speech speed spell spend spoke
    spot spread spring square squeeze stand star start state station stay stead steam steel step stick still
    stone stood stop store story straight strange stream street stretch string strong student study subject
    success such sudden suffix sugar suggest suit summer sun supply support sure surface surprise swim
    symbol system table tail take talk tall taxi teach team teeth tell ten term test than thank that the
    their them then there these they thick thin thing think third this those though thought thousand three
    through throw thus tie time tiny tire together told tomorrow tone too took tool top total touch toward
    town track trade train travel tree triangle trip trouble truck true try tube turn twenty two type under
    unit until up use usual valley value vary verb very vex view village visit voice vowel wait walk wall
    want war warm was wash watch water wave wax way we wear weather week weight well went were west what
    wheel when where whether which while white who whole whose why wide wife wild will wind window wing
    winter wire wish with woman wonder wood word work world would write wrong yard year yellow yes yet you
    young your zebra zero zone
    """.split()  # noqa: SIM905
)
"""Each once, in the order of the alphabet."""

_EVERY = 8
HELD_OUT = WORDS[::_EVERY]
"""Every eighth: no training shows them."""
TRAINING = tuple(word for word in WORDS if word not in frozenset(HELD_OUT))
