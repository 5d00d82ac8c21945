//! Times and spans of time.

use jiff::tz::{Offset, TimeZone};

use crate::cel::evaluate::{Failure, Outcome};
use crate::cel::value::Value;

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Outcome> {
    match arguments {
        [Value::Timestamp(time)] => part(name, time.to_zoned(TimeZone::UTC)),
        [Value::Timestamp(time), Value::Text(zone)] => match offset(zone) {
            Some(zone) => part(name, time.to_zoned(zone)),
            None => Some(Err(Failure::new(format!("unknown time zone {zone}")))),
        },
        [Value::Duration(nanoseconds)] => whole_units(name, *nanoseconds).map(|units| Ok(Value::Int(units))),
        _ => None,
    }
}

fn part(name: &str, time: jiff::Zoned) -> Option<Outcome> {
    let number = match name {
        "getFullYear" => i64::from(time.year()),
        "getMonth" => i64::from(time.month()) - 1,
        "getDate" => i64::from(time.day()),
        "getDayOfMonth" => i64::from(time.day()) - 1,
        "getDayOfWeek" => i64::from(time.weekday().to_sunday_zero_offset()),
        "getDayOfYear" => i64::from(time.day_of_year()) - 1,
        "getHours" => i64::from(time.hour()),
        "getMinutes" => i64::from(time.minute()),
        "getSeconds" => i64::from(time.second()),
        "getMilliseconds" => i64::from(time.millisecond()),
        _ => return None,
    };
    Some(Ok(Value::Int(number)))
}

/// UTC or a fixed offset: the zones of places are not known here.
fn offset(zone: &str) -> Option<TimeZone> {
    if matches!(zone, "UTC" | "Z" | "") {
        return Some(TimeZone::UTC);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.trim_start_matches(['+', '-']).split_once(':')?;
    let seconds = hours
        .parse::<i32>()
        .ok()?
        .checked_mul(3600)?
        .checked_add(minutes.parse::<i32>().ok()?.checked_mul(60)?)?;
    Offset::from_seconds(sign * seconds).ok().map(|offset| offset.to_time_zone())
}

fn whole_units(name: &str, nanoseconds: i64) -> Option<i64> {
    let unit = match name {
        "getHours" => 3_600_000_000_000,
        "getMinutes" => 60_000_000_000,
        "getSeconds" => 1_000_000_000,
        "getMilliseconds" => 1_000_000,
        _ => return None,
    };
    Some(nanoseconds / unit)
}
