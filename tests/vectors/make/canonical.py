"""canonical.json: what RFC 8785 makes of values, and every other spelling of them."""

from __future__ import annotations

import base64
import json

from arcgit.model import canonical
from tests.vectors.make.cases import Case, good, refused

WRITTEN = (
    ("empty object", "The least that is canonical.", "{}"),
    (
        "key order by UTF-16",
        "Keys are sorted by their UTF-16 code units, so U+1F600 stands before U+FB33.",
        r'{"\u20ac":"Euro","\r":"CR","\ufb33":"Hebrew","1":"One","\ud83d\ude00":"Smiley","\u0080":"Control","\u00f6":"o"}',
    ),
    (
        "numbers",
        "A number is the double nearest to it, in its shortest form.",
        '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001,1.0,-0.0,1e20,1e21,1e-6,1e-7]}',
    ),
    (
        "strings",
        "Only quotation mark, backslash and control characters are escaped, the short way where there is one.",
        r'{"string":"\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/\u007f\u2028"}',
    ),
    ("literals", "null, true and false are written as they are.", '{"literals":[null,true,false]}'),
    (
        "nested",
        "Keys are sorted at every depth, items of arrays never.",
        '{"b":{"z":[],"a":{}},"a":[2,1,"1",1.5]}',
    ),
    (
        "non-finite numbers become strings",
        "JSON has no such numbers, so the writer makes these three strings of them.",
        '{"a":NaN,"b":Infinity,"c":-Infinity}',
    ),
    (
        "integers beyond doubles become strings",
        "From 2^53 on an integer is written as a string of its decimal digits; up to 2^53-1 it stays a number.",
        '{"a":9007199254740991,"b":-9007199254740991,"c":9007199254740992,"d":-9007199254740993,"e":100000000000000000000}',
    ),
    (
        "large doubles stay numbers",
        "A double below 1e21 is written like an integer; readers take it for a double again.",
        '{"a":9007199254740992.0,"b":123456789012345680000.0,"c":1e23}',
    ),
)
SPELLINGS = (
    ("a space after the colon", "White space is not canonical.", '{"a": 1}'),
    ("a space in front", "White space is not canonical.", ' {"a":1}'),
    ("a tab", "White space is not canonical.", '{"a":\t1}'),
    ("a space in an empty object", "White space is not canonical.", "{ }"),
    ("a space in an empty array", "White space is not canonical.", "[ ]"),
    ("a fraction with a nought behind it", "The shortest form is the only one.", '{"a":1.50}'),
    ("a positive exponent of a small number", "It is written without one.", '{"a":1e2}'),
    ("a space after the comma", "White space is not canonical.", '{"a":1, "b":2}'),
    ("a newline at the end", "Nothing follows the value; where a line holds it, the newline is the line's.", '{"a":1}\n'),
    ("keys out of order", "Keys are sorted.", '{"b":1,"a":2}'),
    ("inner keys out of order", "Keys are sorted at every depth.", '{"a":{"c":1,"b":2}}'),
    ("keys by code point", "The order is by UTF-16 code units, not by code points.", '{"\ufb33":1,"\U0001f600":2}'),
    ("keys without regard to case", "Capital letters stand before small ones.", '{"a":1,"B":2}'),
    ("a key twice", "Two readers could take either value.", '{"a":1,"a":2}'),
    ("a key twice with one value", "Repeated keys are refused even where they agree.", '{"a":1,"a":1}'),
    ("a fraction of nought", "1.0 is the number 1.", '{"a":1.0}'),
    ("an exponent of nought", "1e0 is the number 1.", '{"a":1e0}'),
    ("an exponent without sign", "From 1e21 on the exponent has its plus sign.", '{"a":1e+30,"b":1e30}'),
    ("a capital E", "The exponent has a small e.", '{"a":1E+30}'),
    ("an exponent below 21", "Below 1e21 there is no exponent.", '{"a":1e+20}'),
    ("digits above 21", "From 1e21 on there is an exponent.", '{"a":1000000000000000000000}'),
    ("digits of a small number", "Below 1e-6 there is an exponent.", '{"a":0.0000001}'),
    ("minus nought", "Nought has no sign.", '{"a":-0}'),
    ("more digits than needed", "The shortest form that gives the same double is the only one.", '{"a":0.10000000000000001}'),
    ("an integer that is no double", "2^53+1 is none; a writer makes a string of it.", '{"a":9007199254740993}'),
    ("a character that needs no escape", "Letters are written as they are.", r'{"a":"\u0041"}'),
    ("an escaped solidus", "The solidus is written as it is.", r'{"a":"\/"}'),
    ("an escaped euro sign", "Characters beyond ASCII are written as they are.", r'{"a":"\u20ac"}'),
    ("an escape in capitals", "The hex digits of an escape are small.", r'{"a":"\u000F"}'),
    ("a long escape where there is a short one", "A newline is \\n.", r'{"a":"\u000a"}'),
)  # fmt: skip
NO_JSON = (
    ("a nought in front", "JSON has no such number.", '{"a":01}'),
    ("a plus sign", "JSON has no such number.", '{"a":+1}'),
    ("no digit before the point", "JSON has no such number.", '{"a":.5}'),
    ("NaN", "JSON has no such number; canonical is the string.", '{"a":NaN}'),
    ("Infinity", "JSON has no such number; canonical is the string.", '{"a":-Infinity}'),
    ("a raw control character", "JSON strings hold none.", '{"a":"\n"}'),
    ("half of a surrogate pair", "It is no Unicode text.", r'{"a":"\ud800"}'),
    ("two values", "There is one value.", "{}{}"),
    ("a comma at the end", "It is no JSON.", '{"a":1,}'),
    ("a comma at the end of an array", "It is no JSON.", "[1,]"),
    ("a key without quotation marks", "It is no JSON.", "{a:1}"),
    ("a key that is a number", "It is no JSON.", "{1:1}"),
    ("a missing bracket", "It is no JSON.", '{"a":[1}'),
    ("a missing value", "It is no JSON.", '{"a":}'),
    ("a hexadecimal number", "JSON has no such number.", '{"a":0x1f}'),
    ("a point without a digit behind it", "JSON has no such number.", '{"a":1.}'),
    ("an exponent without digits", "JSON has no such number.", '{"a":1e}'),
    ("a short escape of four digits", "JSON has no such escape.", '{"a":"\\u12"}'),
    ("an escape that there is not", "JSON has no such escape.", '{"a":"\\x41"}'),
    ("a text that does not end", "It is no JSON.", '{"a":"b}'),
    ("a comment in the middle", "It is no JSON.", '{"a":/**/1}'),
    ("a comment", "It is no JSON.", '{"a":1}//'),
    ("single quotes", "It is no JSON.", "{'a':1}"),
    ("a capital literal", "It is no JSON.", '{"a":True}'),
    ("a byte order mark", "UTF-8 without a mark.", "\ufeff{}"),
    ("nothing", "There is one value.", ""),
)
UNWRITABLE = (
    (
        "half a surrogate pair, to be written",
        "A text that is no Unicode has no canonical form.",
        "codepoints",
        r'{"a":"\ud800"}',
    ),
    ("half a surrogate pair in a key, to be written", "A key is a text like any other.", "codepoints", r'{"\udc00":1}'),
)


def document() -> Case:
    """The file."""
    cases = []
    for name, why, given in WRITTEN:
        data = canonical.dumps(json.loads(given))
        cases.append(good(name, why, input=given, canonical=data.decode(), sha256=canonical.sha256(data)))
    cases += [refused(name, why, "not in canonical form", text=text) for name, why, text in SPELLINGS]
    cases += [refused(name, why, "not JSON", text=text) for name, why, text in NO_JSON]
    latin = base64.b64encode(b'{"a":"\xe9"}').decode()
    cases.append(refused("another encoding", "The bytes are UTF-8.", "not JSON", base64=latin))
    cases += [refused(name, why, fault, input=given) for name, why, fault, given in UNWRITABLE]
    about = (
        "input: what a writer is given, JSON with the three non-finite numbers, in which digits alone are an integer of"
        " any size and any other number is a double; text or base64: what a reader must refuse."
    )
    return {"about": about, "cases": cases}
