//! Why a unit is not as wanted, by the codes that the host gave.

use meshform_engine::ports::{ErrorCode, PerformRequest, ProviderError};

use super::observe::missing;
use crate::error::{blame, error};

/// What a problem of the host's program means: a word, and for a unit that does not run, with colons between them, systemd's result, the
/// exit status of its main process, what became of its earlier files, and the unit to blame.
pub(super) fn explain(request: &PerformRequest, problem: &str) -> ProviderError {
    let unit = request.identity.strip_prefix("unit:").unwrap_or(&request.identity);
    let parts: Vec<_> = problem.splitn(5, ':').collect();
    if let [step, result, status, back, cause] = parts.as_slice() {
        return Failure { unit, step, result, status, back, cause }.explain();
    }
    let failed = |summary: &str, detail: String| error(ErrorCode::Failed, summary, detail);
    match problem {
        "missing" => missing(unit),
        "masked" => blame(
            error(
                ErrorCode::Invalid,
                "Unit masked",
                format!(
                    "{unit} is masked on the host, so that it never runs. Run `systemctl unmask {unit}` there."
                ),
            ),
            "name",
        ),
        "link" => blame(
            error(
                ErrorCode::Invalid,
                "Unit is a link",
                format!("/etc/systemd/system/{unit} is a link on the host, which is not replaced by a file."),
            ),
            "unit",
        ),
        "enable" => {
            blame(failed("Unit not enabled", format!("{unit} could not be enabled or disabled.")), "enabled")
        }
        "stop" => blame(failed("Unit not stopped", format!("{unit} could not be stopped.")), "state"),
        "reload" => failed(
            "Units not read",
            format!("systemd could not read its units again, after a change of {unit}."),
        ),
        "unarmed" => failed(
            "No way back",
            format!(
                "{unit} was not changed, as the host could not be told to take that back by itself. Make room in /var/lib/meshform there, or \
                 set confirm_seconds = 0."
            ),
        ),
        "write" => failed(
            "Unit not written",
            format!("The files of {unit} could not be written in /etc/systemd/system, or only in part."),
        ),
        "memory" => failed(
            "Nothing can be remembered",
            format!(
                "What is to be known later of {unit} could not be written to /var/lib/meshform. Make room there."
            ),
        ),
        _ => failed("Unit not changed", format!("{unit} could not be made as wanted.")),
    }
}

/// A unit that does not run, or not well.
struct Failure<'a> {
    unit: &'a str,
    step: &'a str,
    result: &'a str,
    status: &'a str,
    back: &'a str,
    cause: &'a str,
}

impl Failure<'_> {
    fn explain(&self) -> ProviderError {
        let unit = self.unit;
        let (summary, what) = match self.step {
            "check" => ("Check failed", format!("{unit} runs, but its check did not succeed in time.")),
            "load" => ("Unit not valid", format!("systemd does not take {unit} as it is written.")),
            _ => ("Unit does not run", format!("{unit} {}.", self.reason())),
        };
        let back = match self.back {
            "done" => " Its previous files are back, and it runs with them.",
            "failed" => " Its previous files are back, but it does not run well with them either.",
            _ => "",
        };
        error(ErrorCode::Failed, summary, what + back)
    }

    /// Why it does not run (systemd.exec(5), "process exit codes"; systemd.service(5), "Result").
    fn reason(&self) -> String {
        let status = self.status;
        let by = match self.cause == self.unit {
            true => "did not start, or did not keep running".to_owned(),
            false => format!("did not start, as {}, which it needs, failed", self.cause),
        };
        let why = match (self.result, status) {
            ("success", _) => "it ended by itself, without a failure. A unit that does its work once is not running: leave `state` out, or write RemainAfterExit=yes into it".to_owned(),
            ("exit-code", "0") => "a command that it runs besides its program failed, such as ExecStartPre".to_owned(),
            ("exit-code", "200") => "its WorkingDirectory cannot be entered (exit status 200)".to_owned(),
            ("exit-code", "203") => "its program is missing or cannot be run (exit status 203)".to_owned(),
            ("exit-code", "216") => "its Group is not known on the host (exit status 216)".to_owned(),
            ("exit-code", "217") => "its User is not known on the host (exit status 217)".to_owned(),
            ("exit-code", "226") => "its view of the file system cannot be made (exit status 226)".to_owned(),
            ("exit-code", status) => format!("it ended with exit status {status}"),
            ("signal" | "core-dump", status) => format!("it was ended by signal {status}"),
            ("timeout", _) => "it took longer than systemd allows".to_owned(),
            ("oom-kill", _) => "the host ran out of memory".to_owned(),
            ("start-limit-hit", _) => "it was started too often in a short time".to_owned(),
            ("resources", _) => "systemd lacks what it takes to start it, such as a file that its unit names".to_owned(),
            (result, _) => format!("systemd says {result:?}"),
        };
        format!("{by}: {why}")
    }
}

#[cfg(test)]
mod tests {
    use meshform_engine::address::Address;
    use meshform_engine::ports::{Operation, Precondition};

    use super::*;

    fn check(problem: &str, expect: &[&str]) {
        let request = PerformRequest {
            address: Address::new("host_service", "app"),
            kind: "host_service".into(),
            identity: "unit:app.service".into(),
            operation: Operation::Update,
            desired: None,
            record: None,
            precondition: Precondition::Unproven,
            timeout_ms: None,
        };
        let told = explain(&request, problem).to_string();
        assert!(expect.iter().all(|part| told.contains(part)), "{problem}: {told}");
    }

    #[test]
    fn the_cause_is_told() {
        check(
            "start:exit-code:203:none:app.service",
            &["Unit does not run", "cannot be run (exit status 203)"],
        );
        check(
            "start:exit-code:1:done:db:1.service",
            &["as db:1.service, which it needs, failed", "previous files are back, and it runs"],
        );
        check("check:success:0:failed:app.service", &["Check failed", "does not run well with them either"]);
        check("start:success:0:none:app.service", &["RemainAfterExit"]);
        check("load:success:0:none:app.service", &["Unit not valid"]);
        check("start:exit-code:0:none:app.service", &["such as ExecStartPre"]);
        check("missing", &["no unit app.service"]);
        check("failed", &["Unit not changed"]);
    }
}
