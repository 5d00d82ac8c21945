//! Each expression of the tables gives what its table says, and no function is left out.

use std::collections::BTreeMap;

use meshform_engine::lang::function_names;

use crate::cases::{all, updating};
use crate::world::outcome;

/// Of edge cases there are always at least that many.
const CASES_PER_FUNCTION_MIN: usize = 5;

#[test]
fn expressions_give_what_the_tables_say() {
    let mut wrong = String::new();
    for table in all() {
        if updating() {
            table.rewrite(|case| outcome(&case.expression));
            continue;
        }
        for case in table.cases() {
            let found = outcome(&case.expression);
            if found != case.expected {
                let (name, line, text) = (table.name(), case.line, &case.expression);
                let (expected, found) = (case.expected.join("\n"), found.join("\n"));
                wrong += &format!("{name}.txt:{line}: {text}\n expected {expected}\n found    {found}\n\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_function_has_its_cases() {
    let mut counts: BTreeMap<&str, usize> = function_names().map(|name| (name, 0)).collect();
    let tables = all();
    for case in tables.iter().flat_map(|table| table.cases()) {
        if let Some(count) = counts.get_mut(case.section.as_str()) {
            assert!(case.expression.contains(&format!("{}(", case.section)), "{}", case.expression);
            *count += 1;
        }
    }
    let (functions, cases) = (counts.len(), counts.values().sum::<usize>());
    println!("{functions} functions, {cases} cases of their own");
    counts.retain(|_, count| *count < CASES_PER_FUNCTION_MIN);
    assert!(counts.is_empty(), "too few cases: {counts:?}");
}

#[test]
fn no_expression_is_told_twice() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for table in all() {
        for case in table.cases() {
            let place = format!("{}.txt:{}", table.name(), case.line);
            let before = seen.insert(case.expression.clone(), place.clone());
            assert_eq!(before, None, "{place}: {}", case.expression);
        }
    }
}
