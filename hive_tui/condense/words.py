"""Words so common in talk about programs that they identify nothing."""

_COMMON = """
a about above according across act action actual actually add added adding addition after again against ago all allow
almost alone along already also although always am among an and another answer any anybody anyone anything anyway
anywhere app application apply approach are area around as ask at attempt automatic available avoid away back backend
bad base baseline based basic be became because become been before began begin behavior behaviour behind being below
best better between beyond big bit block body bool both break broke broken browser bug build built but buffer button by
byte bytes cache call called caller callers can cannot care careful case cases catch cause caused causes change changed
changes check checked class clean clear cleanly cleanup client close closed closes code column come comes command
comment commit common compare compile complete completely component compute concern condition config configuration
confirm connect connection consider consistent contain container content context continue control copy core correct
correctly could count couple course cover create created current currently custom cut daemon dashboard data database
date day days deal debug decide decided decision deep default define definition delete depend depends deploy design
detail details detect developer did diff differ difference different direct directly directory disable disk do
document documentation does doing done double down driver drop due during each earlier early easier easily edge edit
effect either else empty enable end endpoint ends engine enough ensure enter entire entry environment equal error
errors especially even event ever every everything exact exactly example except exception exclude execute exist existing
exists exit expect expected explain explicit export express extend extra fact fail failed failing fails failure fairly
false far fast faster feature feed few field fields file files filter final finally find fine finish finished first fit
five fix fixed fixes flag flow flush folder follow following follows for force form format forward found four fragile
frame free fresh from front full fully function functions further future general generate generated get getting give
given go goes going gone good got great green group guard had half hand handle handled handler handling happen happens
hard has have having he head help helper hence here hide high him his hit hold holds hook host hour hours how however i
idea identical identifier if ignore immediately implement implementation import important in include including index
indicate info information initial inline inner input insert inside instance instead internal into introduce invalid
involve is issue it item items iterate its itself job join just keep key keys kill kind know known label large last late
later latest latter layer lead leak least leave leaves left legacy length less let level library life like likely limit
line lines link list listing little live load local lock log logic logs long longer look looking looks loop loose lot
low machine made main maintain make makes making manage manual many map mark match matches maybe me mean means measure
measured member memory merge message method middle might migrate migration mind minimal minor minute minutes miss
missing mock mode model module moment more most mostly move much multiple must my name named names narrow near necessary
need needed needs nested network never new next nice no nobody node non none nor normal normally not note nothing notice
noticed notification now null number numbers object obvious of off offset often okay ok old older on once one only onto
open operation option optional options or order original other otherwise our out outer output over overall override own
package page pair parameter parent parse parsed parser part partial particular pass passed passes passing past patch
path pattern pause pending people per perfect perhaps place plain plan platform please plugin plus point pool port
position possible prefer prefix prepare present pretty prevent previous previously print prior private probably probe
problem proceed process processes produce production program progress project proper properly property protocol provide
public pull purpose push put quadratic query question queue quick quickly quiet quite quota raise ran range rank rare
rarely rather raw re reach read reader ready real really reason recent record records recover red redo reduce refactor
reference refresh regression related relation release relevant relies rely remain remaining remove removed rename repeat
replace report reproduce request require required requires reset resolve resolves resource respect response rest restart
restore result results retry return returns reuse revert review rewrite right role root round route row rows rule run
runner running runs runtime safe same save saw say says scan schema scope screen script search second seconds section
see seem seems seen select self send sense sent separate sequence serve server service session set sets setting settings
setup seven several shape share shared she shim short should show shows side sign signal signature silent silently
similar simple simpler simplest simply since single sit site six size skip slow slower small so socket some somebody
something sometimes somewhere soon sort source space special specific specify split stable stack stage stale stalls
start started starting starts state statement status stay step steps still stop storage store stored stores stream
string strict structure stub style subject subset such suite support supported sure surface swap switch symbol sync
system table take taken takes target task team tell temporary ten test tested testing tests text than thank thanks that
the their them then there therefore these they thing things think third this those though thread three through throw
thus time timeout timing to today together token tokens too took tool top total touch toward trace track transaction
tree tried trigger trim true try trying turn turned turns twice two type types typical unchanged under understand
unique unit unless unlike until unused up update updated upper us usage use used user users uses using usual utility
valid validate value values variable various verify version very via view visible wait waiting want wanted wants warn
warning was way we week weird well went were what whatever when where whether which while who whole whose why wide
width wheel will window wire with within without wonder work worked worker workers working works world worse would wrap
write writes writing wrong wrote yes yet you your zero arm64 also i'll we'll don't doesn't didn't isn't can't won't
it's that's there's let's i've we've you're i'm shouldn't wasn't couldn't hasn't aren't
"""
COMMON = frozenset(_COMMON.split())
_ENDINGS = ("ing", "ed", "es", "s", "ly", "er", "d")


def is_common(word: str) -> bool:
    """Whether the word, in lower case, or the word that it is a form of, identifies nothing."""
    if word in COMMON or len(word) < 3:
        return True
    return any(word.endswith(ending) and _is_stem(word[: -len(ending)]) for ending in _ENDINGS)


def _is_stem(stem: str) -> bool:
    doubled = len(stem) > 3 and stem[-1] == stem[-2]
    return stem in COMMON or f"{stem}e" in COMMON or (doubled and stem[:-1] in COMMON)
