//! Functions over points in time.

use super::check;

#[test]
fn dates_are_formatted() {
    check(&[
        (r#"formatdate("DD MMM YYYY hh:mm ZZZ", "2018-01-02T23:12:01Z")"#, r#""02 Jan 2018 23:12 UTC""#),
        (
            r#"formatdate("EEEE, DD-MMM-YY hh:mm:ss ZZZ", "2018-01-02T23:12:01-08:00")"#,
            r#""Tuesday, 02-Jan-18 23:12:01 -0800""#,
        ),
        (
            r#"formatdate("EEEEE", "2018-01-02T23:12:01Z")"#,
            r#"Invalid function argument @ "EEEEE": formatdate: the format has an unknown verb; literal letters stand in single quotes ("EEEEE")."#,
        ),
        (
            r#"formatdate("'abc", "2018-01-02T23:12:01Z")"#,
            r#"Invalid function argument @ "'abc": formatdate: a quoted part has no closing quote."#,
        ),
        (
            r#"formatdate("YYYY", "2018-01-02")"#,
            r#"Invalid function argument @ "2018-01-02": formatdate: a time such as "2026-01-31T12:00:00Z" is required ("2018-01-02")."#,
        ),
        (r#"formatdate("YYYYMMDD'T'hhmmss", "2018-01-02T23:12:01+05:30")"#, r#""20180102T231201""#),
        (r#"formatdate("ZZZ", "2018-01-02T23:12:01+05:30")"#, r#""+0530""#),
        (
            r#"formatdate("Y", "2018-01-02T23:12:01Z")"#,
            r#"Invalid function argument @ "Y": formatdate: the format has an unknown verb; literal letters stand in single quotes ("Y")."#,
        ),
        (
            r#"formatdate("D", "2018-02-30T23:12:01Z")"#,
            r#"Invalid function argument @ "2018-02-30T23:12:01Z": formatdate: a time such as "2026-01-31T12:00:00Z" is required ("2018-02-30T23:12:01Z")."#,
        ),
        (
            r#"formatdate("YYYY", "2018-13-02T23:12:01Z")"#,
            r#"Invalid function argument @ "2018-13-02T23:12:01Z": formatdate: a time such as "2026-01-31T12:00:00Z" is required ("2018-13-02T23:12:01Z")."#,
        ),
        (
            r#"formatdate("YYYY", "é")"#,
            r#"Invalid function argument @ "é": formatdate: a time such as "2026-01-31T12:00:00Z" is required ("é")."#,
        ),
        (r#"formatdate("é''", "2018-01-02T23:12:01Z")"#, r#""é""#),
        (
            r#"formatdate("h:mm AA aa HH H MMMM M D EEE Z ZZZZ ZZZZZ s m 'o''clock'", "2018-01-02T23:12:01-08:00")"#,
            r#""23:12 PM pm 11 11 January 1 2 Tue -08:00 -0800 -08:00 1 12 o'clock""#,
        ),
        (r#"formatdate("EEE", "2024-02-29T00:00:00Z")"#, r#""Thu""#),
        (r#"formatdate("H AA", "2024-02-29T00:00:00Z")"#, r#""12 AM""#),
    ]);
}

#[test]
fn times_are_moved_and_compared() {
    check(&[
        (r#"timeadd("2017-11-22T00:00:00Z", "10m")"#, r#""2017-11-22T00:10:00Z""#),
        (r#"timeadd("2017-11-22T00:00:00Z", "-1h30m0.5s")"#, r#""2017-11-21T22:29:59Z""#),
        (r#"timeadd("2017-11-22T00:00:00+01:00", "24h")"#, r#""2017-11-23T00:00:00+01:00""#),
        (
            r#"timeadd("2017-11-22T00:00:00Z", "1d")"#,
            r#"Invalid function argument @ "1d": timeadd: a duration such as "1h30m" is required (units: h, m, s, ms, us, ns)."#,
        ),
        (r#"timeadd("2017-11-22T00:00:00Z", "0")"#, r#""2017-11-22T00:00:00Z""#),
        (r#"timeadd("2017-11-22T00:00:00Z", "1.5h")"#, r#""2017-11-22T01:30:00Z""#),
        (r#"timeadd("2017-11-22T00:00:00Z", "1ms")"#, r#""2017-11-22T00:00:00Z""#),
        (r#"timecmp("2017-11-22T00:00:00Z","2017-11-22T01:00:00+01:00")"#, "0"),
        (r#"timecmp("2017-11-22T00:00:00Z","2017-11-22T00:00:01Z")"#, "-1"),
        (
            r#"timeadd("9999-12-31T23:59:59Z", "1s")"#,
            r#"Invalid function argument @ "1s": timeadd: the result is beyond the years that can be written."#,
        ),
        (
            r#"timeadd("0000-01-01T00:00:00Z", "-1s")"#,
            r#"Invalid function argument @ "-1s": timeadd: the result is beyond the years that can be written."#,
        ),
        (
            r#"timeadd("2017-11-22T00:00:00Z", "999999999999999999h")"#,
            r#"Invalid function argument @ "999999999999999999h": timeadd: a duration such as "1h30m" is required (units: h, m, s, ms, us, ns)."#,
        ),
        (
            r#"timeadd("2017-11-22T00:00:00Z", "")"#,
            r#"Invalid function argument @ "": timeadd: a duration such as "1h30m" is required (units: h, m, s, ms, us, ns)."#,
        ),
        (
            r#"timeadd("2017-11-22T00:00:00Z", "-")"#,
            r#"Invalid function argument @ "-": timeadd: a duration such as "1h30m" is required (units: h, m, s, ms, us, ns)."#,
        ),
        (
            r#"timeadd("2017-11-22T00:00:00Z", ".h")"#,
            r#"Invalid function argument @ ".h": timeadd: a duration such as "1h30m" is required (units: h, m, s, ms, us, ns)."#,
        ),
        (r#"timeadd("2024-02-28T23:59:59Z", "1s")"#, r#""2024-02-29T00:00:00Z""#),
        (r#"timecmp("2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00Z")"#, "1"),
    ]);
}

#[test]
fn now_is_given() {
    check(&[("timestamp()", r#""2018-01-03T17:20:00Z""#), ("plantimestamp()", r#""2018-01-03T17:20:00Z""#)]);
}
