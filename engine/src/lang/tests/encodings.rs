//! Functions that encode, decode and hash; networks.

use super::check;

#[test]
fn base64_and_urls() {
    check(&[
        (r#"base64encode("héllo")"#, r#""aMOpbGxv""#),
        (r#"base64decode("aGVsbG8=")"#, r#""hello""#),
        (
            r#"base64decode("aGVsbG8")"#,
            r#"Invalid function argument @ "aGVsbG8": base64decode: the text is not base64 with padding."#,
        ),
        (
            r#"base64decode("/w==")"#,
            r#"Invalid function argument @ "/w==": base64decode: what is encoded is not UTF-8 text."#,
        ),
        (r#"base64decode("aGVs\nbG8=")"#, r#""hello""#),
        (r#"urlencode("a b&c/é~-_.!*")"#, r#""a+b%26c%2F%C3%A9~-_.%21%2A""#),
        (r#"urldecode("a+b%20c%C3%A9")"#, r#""a b cé""#),
        (
            r#"urldecode("%zz")"#,
            r#"Invalid function argument @ "%zz": urldecode: a % must be followed by two hexadecimal digits."#,
        ),
        (r#"textencodebase64("hé", "UTF-16LE")"#, r#""aADpAA==""#),
        (r#"textdecodebase64("aADpAA==", "UTF-16LE")"#, r#""hé""#),
        (
            r#"urldecode("%")"#,
            r#"Invalid function argument @ "%": urldecode: a % must be followed by two hexadecimal digits."#,
        ),
        (
            r#"urldecode("%é1")"#,
            r#"Invalid function argument @ "%é1": urldecode: a % must be followed by two hexadecimal digits."#,
        ),
        (
            r#"urldecode("%ff")"#,
            r#"Invalid function argument @ "%ff": urldecode: what is encoded is not UTF-8 text."#,
        ),
        (
            r#"textdecodebase64("YQ==", "UTF-16LE")"#,
            r#"Invalid function argument @ "YQ==": textdecodebase64: what is encoded is not UTF-16 text."#,
        ),
        (
            r#"textencodebase64("a", "EBCDIC")"#,
            r#"Invalid function argument @ "EBCDIC": textencodebase64: the encoding must be UTF-8, UTF-16LE, UTF-16BE or ISO-8859-1."#,
        ),
        (
            r#"base64decode("é")"#,
            r#"Invalid function argument @ "é": base64decode: the text is not base64 with padding."#,
        ),
    ]);
}

#[test]
fn json_is_written_as_terraform_does() {
    check(&[
        (
            r#"jsonencode({a=1,b=[true,null,"x<>&\u2028"],c=1.5})"#,
            r#""{\"a\":1,\"b\":[true,null,\"x\\u003c\\u003e\\u0026\\u2028\"],\"c\":1.5}""#,
        ),
        (r#"jsonencode("é\t\u0001")"#, r#""\"é\\t\\u0001\"""#),
        ("jsonencode(123456789012345678901234567890)", r#""123456789012345678901234567890""#),
        ("jsonencode(1e-7)", r#""0.0000001""#),
        ("jsonencode(0.1)", r#""0.1""#),
        ("jsonencode(1e30)", r#""1000000000000000000000000000000""#),
        (r#"jsonencode(toset(["b","a"]))"#, r#""[\"a\",\"b\"]""#),
    ]);
}

#[test]
fn json_is_read_exactly() {
    check(&[
        (r#"jsondecode("{\"a\":1,\"a\":2}")"#, r#"{"a": 2}"#),
        (r#"jsondecode("123456789012345678901234567890.5")"#, "123456789012345678901234567890.5"),
        (
            r#"jsondecode("[1,]")"#,
            r#"Invalid function argument @ "[1,]": jsondecode: the text is not JSON: line 1: expected a value."#,
        ),
        (
            r#"jsondecode("")"#,
            r#"Invalid function argument @ "": jsondecode: the text is not JSON: line 1: a value is missing."#,
        ),
        (
            r#"jsondecode("1 2")"#,
            r#"Invalid function argument @ "1 2": jsondecode: the text is not JSON: line 1: there is something after the value."#,
        ),
        (r#"jsondecode("\"\\ud83d\\ude00\"")"#, r#""😀""#),
        (r#"jsondecode("null")"#, "null"),
        (
            r#"jsondecode("1e400")"#,
            "10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
        ),
        (
            r#"jsondecode("01")"#,
            r#"Invalid function argument @ "01": jsondecode: the text is not JSON: line 1: this is not a number."#,
        ),
        (
            r#"jsondecode("\"a\nb\"")"#,
            r#"Invalid function argument @ "\"a\nb\"": jsondecode: the text is not JSON: line 1: a string holds a control character."#,
        ),
        (r#"jsondecode("\"\\ud800\"")"#, r#""�""#),
        (
            r#"jsondecode("\"\\u12")"#,
            r#"Invalid function argument @ "\"\\u12": jsondecode: the text is not JSON: line 1: \u needs four hexadecimal digits."#,
        ),
        (
            r#"jsondecode("\"\\")"#,
            r#"Invalid function argument @ "\"\\": jsondecode: the text is not JSON: line 1: a string has an invalid escape."#,
        ),
        (
            r#"jsondecode("-")"#,
            r#"Invalid function argument @ "-": jsondecode: the text is not JSON: line 1: this is not a number."#,
        ),
        (
            r#"jsondecode("1e99999")"#,
            r#"Invalid function argument @ "1e99999": jsondecode: the text is not JSON: line 1: the number is out of range."#,
        ),
        (
            r#"jsondecode("{\"a\"")"#,
            r#"Invalid function argument @ "{\"a\"": jsondecode: the text is not JSON: line 1: expected a colon."#,
        ),
        (
            r#"jsondecode("nul")"#,
            r#"Invalid function argument @ "nul": jsondecode: the text is not JSON: line 1: expected a value."#,
        ),
        (
            r#"jsondecode("é")"#,
            r#"Invalid function argument @ "é": jsondecode: the text is not JSON: line 1: expected a value."#,
        ),
        (r#"jsondecode("[1.0, -0, 2e2, \"a\\/b\"]")"#, r#"[1, 0, 200, "a/b"]"#),
        (r#"jsondecode(" {\"a\" : { } } ")"#, r#"{"a": {}}"#),
    ]);
}

#[test]
fn csv() {
    check(&[
        (
            r#"csvdecode("a,b\n1,2\n\"x,y\",\"q\"\"z\"\n")"#,
            r#"[{"a": "1", "b": "2"}, {"a": "x,y", "b": "q\"z"}]"#,
        ),
        (
            r#"csvdecode("a,a\n1,2")"#,
            r#"Invalid function argument @ "a,a\n1,2": csvdecode: two columns have one name ("a")."#,
        ),
        (
            r#"csvdecode("a,b\n1")"#,
            r#"Invalid function argument @ "a,b\n1": csvdecode: line 2 has 1 fields, but the header has 2."#,
        ),
        (r#"csvdecode("")"#, r#"Invalid function argument @ "": csvdecode: the header line is missing."#),
        (r#"csvdecode("a\n")"#, "[]"),
        (r#"csvdecode("a,b\r\n1,2\r\n")"#, r#"[{"a": "1", "b": "2"}]"#),
        (r#"csvdecode("a,b\n\n1,2")"#, r#"[{"a": "1", "b": "2"}]"#),
        (
            r#"csvdecode("\"")"#,
            r#"Invalid function argument @ "\"": csvdecode: line 1: a quoted field has no end."#,
        ),
        (
            r#"csvdecode("a\"b")"#,
            r#"Invalid function argument @ "a\"b": csvdecode: line 1: a quote stands inside a field that does not start with one."#,
        ),
        (
            r#"csvdecode("a,b\n\"x\"y,1")"#,
            r#"Invalid function argument @ "a,b\n\"x\"y,1": csvdecode: line 2: something follows a quoted field."#,
        ),
        (
            r#"csvdecode("\n\n")"#,
            r#"Invalid function argument @ "\n\n": csvdecode: the header line is missing."#,
        ),
    ]);
}

#[test]
fn hashes() {
    check(&[
        (r#"base64sha256("a")"#, r#""ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=""#),
        (
            r#"base64sha512("a")"#,
            r#""H0D8ktokFpR1CXnubPWC8tXX0o4YM13gWrxU0FYOD1MChgxlK/CNVgJSql50IQVG82n7u86MEs/HlXsmUv6adQ==""#,
        ),
        (r#"md5("a")"#, r#""0cc175b9c0f1b6a831c399e269772661""#),
        (r#"sha1("a")"#, r#""86f7e437faa5a7fce15d1ddcb9eaeaea377667b8""#),
        (r#"sha256("a")"#, r#""ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb""#),
        (
            r#"sha512("a")"#,
            r#""1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f5302860c652bf08d560252aa5e74210546f369fbbbce8c12cfc7957b2652fe9a75""#,
        ),
    ]);
}

#[test]
fn networks() {
    check(&[
        (r#"cidrhost("10.0.0.0/8", 5)"#, r#""10.0.0.5""#),
        (r#"cidrhost("10.0.0.0/8", -1)"#, r#""10.255.255.255""#),
        (
            r#"cidrhost("10.0.0.0/30", 4)"#,
            "Invalid function argument @ 4: cidrhost: a /30 has no host of that number.",
        ),
        (r#"cidrhost("10.0.0.7/8", 5)"#, r#""10.0.0.5""#),
        (r#"cidrhost("fd00::/64", 34)"#, r#""fd00::22""#),
        (r#"cidrhost("010.0.0.0/8", 1)"#, r#""10.0.0.1""#),
        (r#"cidrnetmask("10.0.0.0/12")"#, r#""255.240.0.0""#),
        (
            r#"cidrnetmask("fd00::/64")"#,
            r#"Invalid function argument @ "fd00::/64": cidrnetmask: only IPv4 networks have a netmask."#,
        ),
        (r#"cidrsubnet("10.0.0.0/16", 8, 2)"#, r#""10.0.2.0/24""#),
        (
            r#"cidrsubnet("10.0.0.0/16", 8, 256)"#,
            "Invalid function argument @ 256: cidrsubnet: 8 bits have no subnet of that number.",
        ),
        (
            r#"cidrsubnet("10.0.0.0/16", 20, 1)"#,
            "Invalid function argument @ 20: cidrsubnet: a /16 cannot be extended by 20 bits.",
        ),
        (r#"cidrsubnet("fd00:fd12:3456:7890::/56", 16, 162)"#, r#""fd00:fd12:3456:7800:a200::/72""#),
        (r#"cidrsubnet("10.1.2.0/16", 4, 1)"#, r#""10.1.16.0/20""#),
        (
            r#"cidrsubnets("10.1.0.0/16", 4, 4, 8, 4)"#,
            r#"["10.1.0.0/20", "10.1.16.0/20", "10.1.32.0/24", "10.1.48.0/20"]"#,
        ),
        (
            r#"cidrsubnets("10.1.0.0/16", 1,1,1)"#,
            "Invalid function argument @ 1: cidrsubnets: the network has no room left for this subnet.",
        ),
        (r#"cidrsubnets("10.1.0.0/16")"#, "[]"),
        (
            r#"cidrsubnet("10.0.0.0/8", 4294967296, 1)"#,
            "Invalid function argument @ 4294967296: cidrsubnet: the number is too large.",
        ),
        (r#"cidrsubnet("::/0", 128, -1)"#, r#""ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128""#),
        (
            r#"cidrhost("::/0", 340282366920938463463374607431768211455)"#,
            r#""ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff""#,
        ),
        (
            r#"cidrhost("::/0", 340282366920938463463374607431768211456)"#,
            "Invalid function argument @ 340282366920938463463374607431768211456: cidrhost: a /0 has no host of that number.",
        ),
        (r#"cidrhost("::/0", -340282366920938463463374607431768211456)"#, r#""::""#),
        (r#"cidrhost("0.0.0.0/0", 4294967295)"#, r#""255.255.255.255""#),
        (
            r#"cidrsubnets("::/0", 1, 1, 1)"#,
            "Invalid function argument @ 1: cidrsubnets: the network has no room left for this subnet.",
        ),
        (r#"cidrsubnets("::/0", 128)"#, r#"["::/128"]"#),
        (
            r#"cidrhost("10.0.0.0/33", 1)"#,
            r#"Invalid function argument @ "10.0.0.0/33": cidrhost: a network such as "10.0.0.0/8" is required ("10.0.0.0/33")."#,
        ),
        (
            r#"cidrhost("256.0.0.0/8", 1)"#,
            r#"Invalid function argument @ "256.0.0.0/8": cidrhost: a network such as "10.0.0.0/8" is required ("256.0.0.0/8")."#,
        ),
        (
            r#"cidrhost("/", 1)"#,
            r#"Invalid function argument @ "/": cidrhost: a network such as "10.0.0.0/8" is required ("/")."#,
        ),
        (r#"cidrcontains("10.0.0.0/8", "10.1.2.3")"#, "true"),
        (r#"cidrcontains("10.0.0.0/8", "11.0.0.0/16")"#, "false"),
        (r#"cidrcontains("10.0.0.0/8", "10.0.0.0/7")"#, "false"),
        (
            r#"cidrcontains("10.0.0.0/8", "fd00::1")"#,
            r#"Invalid function argument @ "fd00::1": cidrcontains: both must be of one family, IPv4 or IPv6."#,
        ),
    ]);
}
