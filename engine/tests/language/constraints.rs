//! Type constraints, shown by a table of `TYPE <- VALUE` in `constraints.txt`, and what Terraform makes of the same.

use std::collections::BTreeMap;

use meshform_engine::diagnostic::Diagnostics;
use meshform_engine::lang::{FunctionContext, Scope, convert, evaluate, type_of};

use crate::cases::{Table, folder, updating};
use crate::references::expression;
use crate::terraform::{ERROR, canonical, judge, planned, terraform};
use crate::world::shown;

fn table() -> Table {
    Table::read(folder().join("constraints.txt"))
}

/// A case's constraint and what is given.
fn sides(case: &str) -> (&str, &str) {
    case.split_once(" <- ").unwrap()
}

/// The line that says what a value becomes under a constraint, and the same in the form in which both sides are compared.
fn outcome(case: &str) -> (String, String) {
    let (ty, given) = sides(case);
    let constraint = match type_of(&expression(ty)) {
        Ok(constraint) => constraint,
        Err(diagnostic) => return (format!("! {}", diagnostic.detail), ERROR.to_owned()),
    };
    let functions = FunctionContext::constant();
    let value = evaluate(&expression(given), &Scope::new(&functions), &mut Diagnostics::new());
    match convert(&constraint.apply_defaults(value), &constraint.ty) {
        Ok(value) => (format!("= {}", shown(&value)), canonical(&value)),
        Err(error) => (format!("! {error}"), ERROR.to_owned()),
    }
}

#[test]
fn constraints_make_what_the_table_says() {
    let table = table();
    if updating() {
        return table.rewrite(|case| vec![outcome(&case.expression).0]);
    }
    for case in table.cases() {
        assert_eq!(vec![outcome(&case.expression).0], case.expected, "constraints.txt:{}", case.line);
    }
}

#[test]
fn constraints_are_those_of_terraform() {
    let Some(binary) = terraform() else {
        eprintln!("NOT RUN: there is no terraform on the PATH, so constraints are not compared with it");
        return;
    };
    let table = table();
    let cases: Vec<&str> = table.cases().map(|case| case.expression.as_str()).collect();
    // A default is constant: what calls a function goes through the input of a module there, and is left out here.
    let cases: Vec<&str> = cases.into_iter().filter(|case| !sides(case).1.starts_with("to")).collect();
    let file = |(at, case): (usize, &&str)| {
        let (ty, given) = sides(case);
        format!(
            "variable \"c{at}\" {{\n  type = {ty}\n  default = {given}\n}}\nresource \"terraform_data\" \"c{at}\" {{\n  input = var.c{at}\n}}\n"
        )
    };
    let files: Vec<String> = cases.iter().enumerate().map(file).collect();
    let theirs = planned(&binary, "constraints", &files);
    let both = cases.iter().zip(theirs).map(|(case, theirs)| (*case, [outcome(case).1, theirs]));
    let differences: BTreeMap<&str, [String; 2]> =
        both.filter(|(_, [ours, theirs])| ours != theirs).collect();
    println!("{} constraints compared with terraform, {} differ", cases.len(), differences.len());
    judge(&differences, "constraint_differences.txt");
}
