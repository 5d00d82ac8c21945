//! `validate -json`: everything that is wrong, for machines.

use serde_json::{Value, json};

use crate::stack::Stack;

/// Each diagnostic as `severity file start..end`, the places as `line:column@byte`.
fn places(document: &Value) -> Vec<String> {
    let place = |point: &Value| format!("{}:{}@{}", point["line"], point["column"], point["byte"]);
    let one = |diagnostic: &Value| {
        let range = &diagnostic["range"];
        let (severity, file) =
            (diagnostic["severity"].as_str().unwrap(), range["filename"].as_str().unwrap());
        assert!(
            !diagnostic["summary"].as_str().unwrap().is_empty()
                && !diagnostic["detail"].as_str().unwrap().is_empty()
        );
        format!("{severity} {file} {}..{}", place(&range["start"]), place(&range["end"]))
    };
    document["diagnostics"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn every_diagnostic_has_its_place() {
    let check = |files: &[(&str, &str)], expect: &[&str]| {
        let stack = Stack::of("");
        files.iter().for_each(|(name, text)| stack.write(name, text));
        let ended = stack.run(["validate", "-json"]).code(1);
        let document: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(places(&document), expect, "{ended}");
        assert_eq!(document["error_count"], expect.len());
        assert_eq!((&document["format_version"], &document["valid"]), (&json!("1.0"), &json!(false)));
    };
    check(
        &[
            ("main.hcl", "locals {\n  _ä = local.nope\n}\n"),
            (
                "other.hcl",
                "resource \"value\" \"x\" {\n  inptu = 1\n}\n\nresource \"value\" \"y\" {\n  count = [\n    1,\n  ]\n}\n",
            ),
        ],
        &[
            "error main.hcl 2:8@17..2:18@27",
            "error other.hcl 2:3@25..2:8@30",
            "error other.hcl 6:11@71..8:4@83",
        ],
    );
    // A name that is missing may be in the file that cannot be read.
    check(
        &[("main.hcl", "locals {\n  _a = local.nope\n}\n"), ("other.hcl", "a = [1 2]\n")],
        &["error other.hcl 1:8@7..1:9@8"],
    );
}

#[test]
fn what_is_right_has_no_diagnostics() {
    let stack = Stack::of("locals {\n  _a = 1\n}\n");
    let document: Value = serde_json::from_str(&stack.run(["validate", "-json"]).done().out).unwrap();
    let expect = json!({ "format_version": "1.0", "valid": true, "error_count": 0, "warning_count": 0, "diagnostics": [] });
    assert_eq!(document, expect);
}

#[test]
fn a_folder_without_a_stack_is_told_the_same_way() {
    let stack = Stack::of("");
    std::fs::remove_file(stack.path("main.hcl")).unwrap();
    let document: Value = serde_json::from_str(&stack.run(["validate", "-json"]).code(1).out).unwrap();
    assert_eq!(document["diagnostics"][0]["range"], Value::Null);
    assert_eq!(document["error_count"], 1);
}
