//! When cron runs something (crontab(5)): five fields, or one word for all of them.

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const WORDS: [&str; 8] =
    ["@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
/// How many days a month has at most.
const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// One of the five fields.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
    /// The number of the first of those names.
    first: u32,
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[], first: 0 },
    Field { name: "hour", least: 0, most: 23, names: &[], first: 0 },
    Field { name: "day of the month", least: 1, most: 31, names: &[], first: 0 },
    Field { name: "month", least: 1, most: 12, names: &MONTHS, first: 1 },
    Field { name: "day of the week", least: 0, most: 7, names: &DAYS, first: 0 },
];

/// What is wrong with a schedule, in sentences.
pub(super) fn problem(schedule: &str) -> Option<String> {
    if schedule.starts_with('@') {
        return (!WORDS.contains(&schedule))
            .then(|| format!("{schedule:?} is none of cron's words, which are {}.", WORDS.join(", ")));
    }
    let given: Vec<&str> = schedule.split(' ').collect();
    let [minute, hour, day, month, weekday] = given.as_slice() else {
        return Some(format!(
            "{schedule:?} is no schedule of cron: five fields with one blank between them (minute, hour, day of the month, month, day of the \
             week), or a word such as @daily."
        ));
    };
    let texts = [minute, hour, day, month, weekday];
    let values: Result<Vec<_>, _> =
        FIELDS.iter().zip(texts).map(|(field, text)| field.values(text)).collect();
    match values.as_deref() {
        Err(problem) => Some(problem.clone()),
        Ok([_, _, days, months, _]) if *weekday == "*" && !is_ever(days, months) => {
            Some(format!("{schedule:?} never comes: none of its months has that day."))
        }
        Ok(_) => None,
    }
}

/// What a reader may take for something else, in a sentence.
pub(super) fn caution(schedule: &str) -> Option<String> {
    let given: Vec<&str> = schedule.split(' ').collect();
    let [_, _, day, _, weekday] = given.as_slice() else { return None };
    (!day.starts_with('*') && !weekday.starts_with('*')).then(|| {
        format!(
            "cron runs it on the days of the month {day:?} and, besides, on the days of the week {weekday:?}: one of both is enough."
        )
    })
}

fn is_ever(days: &[u32], months: &[u32]) -> bool {
    let length = |month: &u32| LENGTHS.get(*month as usize - 1).copied().unwrap_or(31);
    months.iter().map(length).any(|length| days.iter().any(|day| *day <= length))
}

impl Field {
    /// The numbers that a text stands for.
    fn values(&self, text: &str) -> Result<Vec<u32>, String> {
        let mut values = Vec::new();
        for part in text.split(',') {
            values.extend(self.part(part).ok_or_else(|| self.refuse(text, part))?);
        }
        Ok(values)
    }

    /// `*`, a number or a range, and after the first and the last of these a step.
    fn part(&self, part: &str) -> Option<impl Iterator<Item = u32> + use<>> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                (range, Some(number(step).filter(|step| *step > 0 && *step <= self.most)?))
            }
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.most),
            Some((from, to)) => (self.number(from)?, self.number(to)?),
            None if step.is_some() => return None,
            None => (self.number(range)?, self.number(range)?),
        };
        (from <= to).then(|| (from..=to).step_by(step.unwrap_or(1) as usize))
    }

    fn number(&self, text: &str) -> Option<u32> {
        let lower = text.to_ascii_lowercase();
        let named = self.names.iter().zip(self.first..).find(|(name, _)| **name == lower);
        let value = named.map(|(_, value)| value).or_else(|| number(text))?;
        (self.least..=self.most).contains(&value).then_some(value)
    }

    fn refuse(&self, text: &str, part: &str) -> String {
        let Self { name, least, most, names, .. } = self;
        let names = match names.split_first() {
            Some((first, _)) => format!(", or names such as {first}"),
            None => String::new(),
        };
        let place = if part == text { String::new() } else { format!(" in {text:?}") };
        format!(
            "{part:?}{place} is no {name}: numbers from {least} to {most}{names}, \"*\", ranges such as \"{least}-{most}\" with the smaller one first, and \
             after \"*\" or a range a step such as \"*/2\"."
        )
    }
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.len() <= 2 && text.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        let check = |schedule: &str, expect: Option<&str>| {
            let found = problem(schedule);
            match (found.as_deref(), expect) {
                (None, None) => {}
                (Some(found), Some(expect)) if found.contains(expect) => {}
                (found, expect) => panic!("{schedule:?}: {found:?}, not {expect:?}"),
            }
        };
        for good in [
            "* * * * *",
            "*/5 0-23/2 1,15 jan-mar,DEC mon-fri",
            "0 0 * * 7",
            "59 23 31 12 0",
            "0 0 29 2 *",
            "0 0 31 2 1",
            "@reboot",
            "@daily",
        ] {
            check(good, None);
        }
        check("@dayly", Some("none of cron's words"));
        check("* * * *", Some("five fields"));
        check("*  * * * *", Some("five fields"));
        check("60 * * * *", Some("\"60\" is no minute: numbers from 0 to 59"));
        check("* 24 * * *", Some("no hour"));
        check("* * 0 * *", Some("no day of the month"));
        check("* * * 13 *", Some("no month"));
        check("* * * foo *", Some("names such as jan"));
        check("* * * * 8", Some("no day of the week"));
        check("1,61 * * * *", Some("\"61\" in \"1,61\" is no minute"));
        check("30-10 * * * *", Some("smaller one first"));
        check("5/10 * * * *", Some("after \"*\" or a range a step"));
        check("*/0 * * * *", Some("no minute"));
        check("-1 * * * *", Some("no minute"));
        check("+1 * * * *", Some("no minute"));
        check("0 0 31 feb,apr *", Some("never comes"));
        check("", Some("five fields"));
    }

    #[test]
    fn both_kinds_of_days_are_told() {
        assert!(caution("0 0 1 * mon").is_some());
        for clear in ["0 0 1 * *", "0 0 * * mon", "0 0 */2 * mon", "@daily"] {
            assert_eq!(caution(clear), None, "{clear}");
        }
    }
}
