//! What is said about the bucket, and how it is reached by that.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Uri;
use meshform_state::SettingsProblem;
use meshform_state_http::{is_loopback, tls};
use object_store::path::Path;

/// The settings: name, meaning, and whether the value is secret.
pub const SETTINGS: &[(&str, &str, bool)] = &[
    ("bucket", "The bucket.", false),
    ("prefix", "What all keys of the stack begin with.", false),
    ("region", "The bucket's region.", false),
    ("endpoint", "The server's URL; that of AWS in the region unless given.", false),
    ("use_path_style", "`true` for ENDPOINT/BUCKET, `false` for BUCKET.ENDPOINT.", false),
    ("access_key", "The identifier of the access key.", false),
    ("secret_key", "The secret of the access key.", true),
    ("session_token", "The token of a temporary access key.", true),
    ("ca", "The certificates to trust, as PEM; those of the system unless given.", false),
    ("allow_http", "`true` to speak in the clear with another machine.", false),
    ("timeout_seconds", "How long one request may take; 15 unless given.", false),
];

/// Half of a lease's life: one lost request does not cost it.
const TIMEOUT_SECONDS_DEFAULT: u64 = 15;
const TIMEOUT_SECONDS_MAX: u64 = 3600;

/// What stores other than AWS are content with.
const REGION_ANY: &str = "us-east-1";

/// How the bucket is reached.
pub(crate) struct Settings {
    pub(crate) bucket: String,
    pub(crate) prefix: Path,
    pub(crate) region: String,
    /// The URL that keys are below, if it is not AWS's.
    pub(crate) endpoint: Option<String>,
    pub(crate) is_path_style: bool,
    pub(crate) key: AccessKey,
    /// The certificates to trust.
    pub(crate) ca: Option<String>,
    pub(crate) is_secure: bool,
    pub(crate) timeout: Duration,
}

/// Who asks. Has no debug output.
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

/// The settings as they are given, by name.
struct Given<'a> {
    settings: &'a BTreeMap<String, String>,
    environment: &'a BTreeMap<String, String>,
}

impl Settings {
    /// Reads the settings; the environment counts where they are silent.
    ///
    /// # Errors
    /// When one is missing or makes no sense.
    pub(crate) fn new(
        settings: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsProblem> {
        let given = Given { settings, environment };
        let bucket = given.required("bucket", None)?;
        if bucket.contains(|letter: char| !letter.is_ascii_alphanumeric() && !"-._".contains(letter)) {
            return Err(SettingsProblem::new("bucket", "must be made of letters, digits, `-`, `.` and `_`"));
        }
        let prefix = given.required("prefix", Some("several stacks may share a bucket"))?;
        let prefix = Path::parse(prefix).ok().filter(|path| !path.is_root()).ok_or_else(|| {
            SettingsProblem::new("prefix", "must be names with `/` between them, such as `teams/web`")
        })?;
        let endpoint = given.endpoint()?;
        // A certificate for *.ENDPOINT is none for a bucket with a dot in its name.
        let is_path_style =
            given.flag("use_path_style")?.unwrap_or(endpoint.is_some() || bucket.contains('.'));
        Ok(Self {
            region: given.region(endpoint.is_some())?,
            is_secure: endpoint.as_ref().is_none_or(|uri| uri.scheme_str() == Some("https")),
            endpoint: endpoint.map(|uri| based(&uri, (!is_path_style).then_some(bucket))),
            key: given.key()?,
            ca: given.ca()?,
            timeout: given.timeout()?,
            bucket: bucket.to_owned(),
            prefix,
            is_path_style,
        })
    }

    /// Where it is.
    pub(crate) fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }
}

impl<'a> Given<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.settings.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn variable(&self, name: &str) -> Option<&'a str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &'static str, reason: Option<&str>) -> Result<&'a str, SettingsProblem> {
        self.get(name).ok_or_else(|| {
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            SettingsProblem::new(name, format!("is required{reason}"))
        })
    }

    fn endpoint(&self) -> Result<Option<Uri>, SettingsProblem> {
        let variables = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];
        let variable = || variables.iter().find_map(|name| self.variable(name));
        let Some(text) = self.get("endpoint").or_else(variable) else { return Ok(None) };
        let problem = |problem: &str| Err(SettingsProblem::new("endpoint", problem));
        let Ok(uri) = text.parse::<Uri>() else { return problem("is not a URL") };
        let Some(authority) = uri.authority() else { return problem("must begin with https://HOST") };
        if authority.as_str().contains('@') || uri.query().is_some() {
            return problem("must not hold credentials or a query");
        }
        match uri.scheme_str() {
            Some("https") => Ok(Some(uri)),
            Some("http") if is_loopback(authority.host()) => Ok(Some(uri)),
            Some("http") if self.flag("allow_http")? == Some(true) => Ok(Some(uri)),
            Some("http") => problem("must begin with https://, but for this machine or with `allow_http`"),
            _ => problem("must begin with https://"),
        }
    }

    fn region(&self, is_elsewhere: bool) -> Result<String, SettingsProblem> {
        let named = self
            .get("region")
            .or_else(|| self.variable("AWS_REGION"))
            .or_else(|| self.variable("AWS_DEFAULT_REGION"))
            .or(is_elsewhere.then_some(REGION_ANY));
        let region = named.ok_or_else(|| SettingsProblem::new("region", "is required, or AWS_REGION is"))?;
        if region.contains(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-') {
            return Err(SettingsProblem::new("region", "must be made of letters, digits and `-`"));
        }
        Ok(region.to_owned())
    }

    fn key(&self) -> Result<AccessKey, SettingsProblem> {
        let (id, is_given) = match (self.get("access_key"), self.variable("AWS_ACCESS_KEY_ID")) {
            (Some(id), _) => (id, true),
            (None, Some(id)) => (id, false),
            (None, None) => {
                return Err(SettingsProblem::new("access_key", "is required, or AWS_ACCESS_KEY_ID is"));
            }
        };
        // What belongs to the environment's key is of no use to another one.
        let variable = |name: &str| self.variable(name).filter(|_| !is_given);
        let secret = self.get("secret_key").or_else(|| self.variable("AWS_SECRET_ACCESS_KEY"));
        let secret = secret
            .ok_or_else(|| SettingsProblem::new("secret_key", "is required, or AWS_SECRET_ACCESS_KEY is"))?;
        let token = self.get("session_token").or_else(|| variable("AWS_SESSION_TOKEN"));
        for (setting, text) in
            [("access_key", Some(id)), ("secret_key", Some(secret)), ("session_token", token)]
        {
            if text.is_some_and(|text| text.contains(|letter: char| !letter.is_ascii_graphic())) {
                return Err(SettingsProblem::new(setting, "must be made of printable ASCII letters"));
            }
        }
        Ok(AccessKey { id: id.to_owned(), secret: secret.to_owned(), token: token.map(str::to_owned) })
    }

    fn ca(&self) -> Result<Option<String>, SettingsProblem> {
        let Some(text) = self.get("ca") else { return Ok(None) };
        tls::config("endpoint", Some(("ca", text)), None, true)?;
        Ok(Some(text.to_owned()))
    }

    fn flag(&self, name: &'static str) -> Result<Option<bool>, SettingsProblem> {
        match self.get(name) {
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            None => Ok(None),
            Some(_) => Err(SettingsProblem::new(name, "must be true or false")),
        }
    }

    fn timeout(&self) -> Result<Duration, SettingsProblem> {
        match self.get("timeout_seconds").map_or(Ok(TIMEOUT_SECONDS_DEFAULT), str::parse) {
            Ok(seconds @ 1..=TIMEOUT_SECONDS_MAX) => Ok(Duration::from_secs(seconds)),
            _ => {
                let range = format!("must be a whole number of seconds from 1 to {TIMEOUT_SECONDS_MAX}");
                Err(SettingsProblem::new("timeout_seconds", range))
            }
        }
    }
}

/// The endpoint as keys are put below it; the bucket, if one is given, becomes part of the host.
fn based(endpoint: &Uri, bucket: Option<&str>) -> String {
    let scheme = endpoint.scheme_str().unwrap_or("https");
    let host = endpoint.authority().map(ToString::to_string).unwrap_or_default();
    let bucket = bucket.map(|bucket| format!("{bucket}.")).unwrap_or_default();
    format!("{scheme}://{bucket}{host}{}", endpoint.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn settings(given: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Settings, SettingsProblem> {
        let mut settings = map(&[
            ("bucket", "states"),
            ("prefix", "teams/web"),
            ("region", "eu-west-1"),
            ("access_key", "AK"),
            ("secret_key", "hunter2"),
        ]);
        settings.extend(map(given));
        Settings::new(&settings, &map(environment))
    }

    #[test]
    fn aws_is_where_nothing_else_is_said() {
        let found = settings(&[], &[("AWS_SESSION_TOKEN", "of another key")]).unwrap();
        assert_eq!((found.place().as_str(), found.endpoint.as_deref()), ("s3://states/teams/web", None));
        assert_eq!((found.is_path_style, found.key.token), (false, None));
        assert!(settings(&[("bucket", "a.b")], &[]).unwrap().is_path_style);
    }

    #[test]
    fn the_environment_counts_where_the_settings_are_silent() {
        let environment = [
            ("AWS_ACCESS_KEY_ID", "ID"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "token"),
            ("AWS_DEFAULT_REGION", "eu-south-1"),
            ("AWS_REGION", "eu-north-1"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000/"),
        ];
        let silent = [("access_key", ""), ("secret_key", ""), ("region", "")];
        let found = settings(&silent, &environment).unwrap();
        assert_eq!((found.key.id, found.key.secret), ("ID".to_owned(), "secret".to_owned()));
        assert_eq!((found.key.token.as_deref(), found.region.as_str()), (Some("token"), "eu-north-1"));
        assert_eq!(found.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert!(found.is_path_style);
    }

    #[test]
    fn the_bucket_is_in_the_path_or_the_host() {
        let check = |style: &str, expect: &str| {
            let given = [("endpoint", "https://s3.example:8443/x/"), ("use_path_style", style)];
            assert_eq!(settings(&given, &[]).unwrap().endpoint.as_deref(), Some(expect), "{style}");
        };
        check("", "https://s3.example:8443/x");
        check("true", "https://s3.example:8443/x");
        check("false", "https://states.s3.example:8443/x");
    }

    #[test]
    fn what_makes_no_sense_is_named_without_quoting_it() {
        let check = |given: &[(&str, &str)], expect: &str| {
            assert_eq!(settings(given, &[]).err().unwrap().to_string(), expect, "{given:?}");
        };
        check(&[("bucket", "")], "`bucket` is required");
        check(&[("bucket", "a/b")], "`bucket` must be made of letters, digits, `-`, `.` and `_`");
        check(&[("prefix", "")], "`prefix` is required: several stacks may share a bucket");
        check(&[("prefix", "a//b")], "`prefix` must be names with `/` between them, such as `teams/web`");
        check(&[("prefix", "/")], "`prefix` must be names with `/` between them, such as `teams/web`");
        check(&[("region", "")], "`region` is required, or AWS_REGION is");
        check(&[("region", "a.evil.example/")], "`region` must be made of letters, digits and `-`");
        check(&[("access_key", "")], "`access_key` is required, or AWS_ACCESS_KEY_ID is");
        check(&[("secret_key", "")], "`secret_key` is required, or AWS_SECRET_ACCESS_KEY is");
        check(&[("secret_key", "hunter 2")], "`secret_key` must be made of printable ASCII letters");
        check(&[("endpoint", "https://a:hunter2@b")], "`endpoint` must not hold credentials or a query");
        check(&[("endpoint", "s3.example")], "`endpoint` must begin with https://");
        check(
            &[("endpoint", "http://s3.example")],
            "`endpoint` must begin with https://, but for this machine or with `allow_http`",
        );
        check(&[("use_path_style", "1")], "`use_path_style` must be true or false");
        check(&[("ca", "x")], "`ca` holds no certificate in PEM form");
        check(
            &[("timeout_seconds", "x")],
            "`timeout_seconds` must be a whole number of seconds from 1 to 3600",
        );
        assert!(settings(&[("endpoint", "http://s3.example"), ("allow_http", "true")], &[]).is_ok());
    }
}
