//! Functions over points in time, written as RFC 3339 has them.

use super::{Call, Failure, Function, Outcome, Parameter, Shape};
use crate::types::Type;
use crate::value::Value;

const TIMES: &[Parameter] = &[Parameter::text("first"), Parameter::text("second")];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const SECONDS_PER_DAY: i64 = 86_400;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "formatdate",
        &[Parameter::text("format"), Parameter::text("time")],
        Shape::Text,
        format_date,
    ),
    Function::new("plantimestamp", &[], Shape::Text, plan_timestamp),
    Function::new("timeadd", &[Parameter::text("time"), Parameter::text("duration")], Shape::Text, time_add),
    Function::new("timecmp", TIMES, Shape::Number, |call| {
        let (first, second) = (Time::of(call, 0)?, Time::of(call, 1)?);
        Ok(Value::number(match first.instant().cmp(&second.instant()) {
            std::cmp::Ordering::Less => -1,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => 1,
        }))
    }),
    Function::new("timestamp", &[], Shape::Text, timestamp),
];

/// A point in time as it is written in some place of the world.
#[derive(Clone, Copy)]
struct Time {
    /// Seconds since the epoch on that place's clock.
    local: i64,
    nanos: i64,
    /// How many seconds that clock is ahead of UTC.
    offset: i64,
    /// Whether it was written with `Z`.
    utc: bool,
}

impl Time {
    /// A point in time in milliseconds since the epoch, without its fraction of a second.
    fn at(epoch_ms: i64) -> Self {
        Self { local: epoch_ms.div_euclid(1_000), nanos: 0, offset: 0, utc: true }
    }

    fn of(call: &Call<'_>, at: usize) -> Result<Self, Failure> {
        let text = call.text(at)?;
        parse(text).ok_or_else(|| {
            Failure::at(at, "a time such as \"2026-01-31T12:00:00Z\" is required")
                .showing(format!("{text:?}"))
        })
    }

    fn instant(self) -> (i64, i64) {
        (self.local - self.offset, self.nanos)
    }

    fn date(self) -> (i64, i64, i64) {
        civil(self.local.div_euclid(SECONDS_PER_DAY))
    }

    fn clock(self) -> (i64, i64, i64) {
        let second = self.local.rem_euclid(SECONDS_PER_DAY);
        (second / 3_600, second / 60 % 60, second % 60)
    }

    fn zone(self, colon: &str) -> String {
        let (sign, minutes) =
            if self.offset < 0 { ('-', -self.offset / 60) } else { ('+', self.offset / 60) };
        format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
    }

    /// Without fractions of a second.
    fn rfc3339(self) -> String {
        let ((year, month, day), (hour, minute, second)) = (self.date(), self.clock());
        let zone = if self.utc { "Z".to_owned() } else { self.zone(":") };
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")
    }
}

/// The day's number since the epoch (Howard Hinnant's `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a day's number (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn parse(text: &str) -> Option<Time> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let (year, month, day) = match date.split('-').collect::<Vec<_>>()[..] {
        [year, month, day] => (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?),
        _ => return None,
    };
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let (clock, fraction) =
        clock.split_once('.').map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
    let (hour, minute, second) = match clock.split(':').collect::<Vec<_>>()[..] {
        [hour, minute, second] => (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?),
        _ => return None,
    };
    let day_exists = civil(days(year, month, day)) == (year, month, day) && (1..=12).contains(&month);
    if !day_exists || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let utc = matches!(zone, "Z" | "z");
    let offset = if utc { 0 } else { parse_zone(zone)? };
    let local = days(year, month, day) * SECONDS_PER_DAY + hour * 3_600 + minute * 60 + second;
    Some(Time { local, nanos: fraction.map_or(Some(0), nanos)?, offset, utc })
}

fn parse_zone(zone: &str) -> Option<i64> {
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    let seconds = hours * 3_600 + minutes * 60;
    (hours <= 23 && minutes <= 59).then_some(if zone.starts_with('-') { -seconds } else { seconds })
}

fn digits(text: &str, length: usize) -> Option<i64> {
    let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// The nanoseconds of the digits behind a point.
fn nanos(fraction: &str) -> Option<i64> {
    let plain = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let nine: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    if plain { nine.parse().ok() } else { None }
}

fn plan_timestamp(call: &Call<'_>) -> Outcome {
    Ok(Time::at(call.context.now).rfc3339().into())
}

/// The time of the call; unknown while planning.
fn timestamp(call: &Call<'_>) -> Outcome {
    Ok(match call.context.impure {
        None => Value::unknown(Type::String),
        Some(impure) => Time::at(impure.now_ms()).rfc3339().into(),
    })
}

fn time_add(call: &Call<'_>) -> Outcome {
    let time = Time::of(call, 0)?;
    let duration = duration(call.text(1)?).ok_or_else(|| {
        Failure::at(1, "a duration such as \"1h30m\" is required (units: h, m, s, ms, us, ns)")
    })?;
    let nanos = i128::from(time.nanos) + duration;
    let second = i128::from(NANOS_PER_SECOND);
    let moved =
        i64::try_from(nanos.div_euclid(second)).ok().and_then(|seconds| time.local.checked_add(seconds));
    // Years of more than four digits have no RFC 3339 form.
    let moved = moved.filter(|local| (0..=9_999).contains(&civil(local.div_euclid(SECONDS_PER_DAY)).0));
    let local = moved.ok_or_else(|| Failure::at(1, "the result is beyond the years that can be written"))?;
    let nanos = i64::try_from(nanos.rem_euclid(second)).unwrap_or(0);
    Ok(Time { local, nanos, ..time }.rfc3339().into())
}

/// A duration in nanoseconds: a sign and any number of decimals with units.
fn duration(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    match rest {
        "0" => return Some(0),
        "" => return None,
        _ => {}
    }
    let mut total = 0i128;
    while !rest.is_empty() {
        let number_length = rest.find(|letter: char| !(letter.is_ascii_digit() || letter == '.'))?;
        let (number, after) = rest.split_at(number_length);
        let unit_length =
            after.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_length);
        let nanos: i128 = match unit {
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" | "µs" | "μs" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        total = total.checked_add(scaled(number, nanos)?)?;
        rest = after;
    }
    let limit = i128::from(i64::MAX);
    (total <= limit).then_some(if negative { -total } else { total })
}

/// A decimal number of units.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || whole.len() + fraction.len() > 18
    {
        return None;
    }
    let parse = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
    let power = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    parse(whole)?.checked_mul(unit)?.checked_add(parse(fraction)?.checked_mul(unit)? / power)
}

fn format_date(call: &Call<'_>) -> Outcome {
    let (pattern, time) = (call.text(0)?, Time::of(call, 1)?);
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (literal, after) =
                literal(&rest[1..]).ok_or_else(|| Failure::at(0, "a quoted part has no closing quote"))?;
            text.push_str(&literal);
            rest = after;
            continue;
        }
        let length = rest.find(|letter| letter != first).unwrap_or(rest.len());
        let (run, after) = rest.split_at(length);
        match first.is_ascii_alphabetic() {
            true => text.push_str(&verb(run, time).ok_or_else(|| {
                Failure::at(0, "the format has an unknown verb; literal letters stand in single quotes")
                    .showing(format!("{run:?}"))
            })?),
            false => text.push_str(run),
        }
        rest = after;
    }
    Ok(text.into())
}

/// What a quote begins; another one right behind it is meant as a quote.
fn literal(text: &str) -> Option<(String, &str)> {
    match text.strip_prefix('\'') {
        Some(after) => Some(("'".to_owned(), after)),
        None => quoted(text),
    }
}

/// A literal up to its closing quote (two quotes stand for one), and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut literal = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('\'')?;
        literal.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                literal.push('\'');
                rest = after;
            }
            None => return Some((literal, rest)),
        }
    }
}

fn verb(run: &str, time: Time) -> Option<String> {
    let ((year, month, day), (hour, minute, second)) = (time.date(), time.clock());
    let twelve = (hour + 11) % 12 + 1;
    let month_name = *usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at))?;
    let weekday = (time.local.div_euclid(SECONDS_PER_DAY) + 4).rem_euclid(7);
    let day_name = *usize::try_from(weekday).ok().and_then(|at| DAYS.get(at))?;
    Some(match run {
        "YYYY" => format!("{year:04}"),
        "YY" => format!("{:02}", year.rem_euclid(100)),
        "MMMM" => month_name.to_owned(),
        "MMM" => month_name[..3].to_owned(),
        "MM" => format!("{month:02}"),
        "M" => month.to_string(),
        "DD" => format!("{day:02}"),
        "D" => day.to_string(),
        "EEEE" => day_name.to_owned(),
        "EEE" => day_name[..3].to_owned(),
        "hh" => format!("{hour:02}"),
        "h" => hour.to_string(),
        "HH" => format!("{twelve:02}"),
        "H" => twelve.to_string(),
        "AA" => (if hour < 12 { "AM" } else { "PM" }).to_owned(),
        "aa" => (if hour < 12 { "am" } else { "pm" }).to_owned(),
        "mm" => format!("{minute:02}"),
        "m" => minute.to_string(),
        "ss" => format!("{second:02}"),
        "s" => second.to_string(),
        "ZZZZZ" => time.zone(":"),
        "ZZZZ" => time.zone(""),
        "ZZZ" if time.offset == 0 => "UTC".to_owned(),
        "ZZZ" => time.zone(""),
        "Z" if time.offset == 0 => "Z".to_owned(),
        "Z" => time.zone(":"),
        _ => return None,
    })
}
