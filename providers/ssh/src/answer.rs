//! What a program of ours answers: records of tab-separated fields between a first and a last line with its nonce.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    records: HashMap<usize, Vec<Record>>,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// What it tells.
    pub(crate) kind: String,
    /// Fields.
    pub(crate) fields: Vec<String>,
}

impl Answer {
    /// The answer in a program's output, if it is all there. What comes before its first line, as a login shell may print it, does not
    /// belong to it.
    pub(crate) fn read(output: &[u8], nonce: &str) -> Option<Self> {
        let output = String::from_utf8_lossy(output);
        let begin = format!("BEGIN\t{nonce}");
        let end = format!("END\t{nonce}\t");
        let mut lines = output.lines().skip_while(|line| !line.ends_with(&begin)).skip(1);
        let mut records: HashMap<usize, Vec<Record>> = HashMap::new();
        for count in 0_usize.. {
            let line = lines.next()?;
            if let Some(claimed) = line.strip_prefix(&end) {
                return (claimed.parse() == Ok(count)).then_some(Self { records });
            }
            let (index, record) = Record::read(line)?;
            records.entry(index).or_default().push(record);
        }
        None
    }

    /// The record of this kind about this thing.
    pub(crate) fn get(&self, kind: &str, index: usize) -> Option<&Record> {
        self.records.get(&index)?.iter().find(|record| record.kind == kind)
    }

    /// All records about this thing.
    pub(crate) fn about(&self, index: usize) -> &[Record] {
        self.records.get(&index).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Record {
    /// A record and the index of the thing that it tells about.
    fn read(line: &str) -> Option<(usize, Self)> {
        let mut fields = line.split('\t');
        let kind = fields.next()?.to_owned();
        let index = fields.next()?.parse().ok()?;
        Some((index, Self { kind, fields: fields.map(str::to_owned).collect() }))
    }

    /// One field; empty if it is not there.
    pub(crate) fn field(&self, position: usize) -> &str {
        self.fields.get(position).map(String::as_str).unwrap_or_default()
    }

    /// The bytes of a field that is base64.
    pub(crate) fn bytes(&self, position: usize) -> Option<Vec<u8>> {
        STANDARD.decode(self.field(position)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, expect: Option<&[&str]>) {
        let found = Answer::read(output.as_bytes(), "n").map(|answer| {
            let show = |record: &Record| format!("{} {:?}", record.kind, record.fields);
            answer.about(3).iter().map(show).collect::<Vec<_>>()
        });
        assert_eq!(
            found,
            expect.map(|records| records.iter().map(|text| (*text).to_owned()).collect()),
            "{output:?}"
        );
    }

    #[test]
    fn only_whole_answers_count() {
        check("BEGIN\tn\nEND\tn\t0\n", Some(&[]));
        check("BEGIN\tn\nstat\t3\ta b\t\nEND\tn\t1\n", Some(&[r#"stat ["a b", ""]"#]));
        check("welcome!\nBEGIN\tn\nEND\tn\t0\nbye\n", Some(&[]));
        check("no line feedBEGIN\tn\nEND\tn\t0\n", Some(&[]));
        for broken in [
            "",
            "BEGIN\tn\n",
            "BEGIN\tn\nEND\tn\t1\n",
            "BEGIN\tn\nx\t1\nEND\tn\t2\n",
            "BEGIN\tm\nEND\tm\t0\n",
            "BEGIN\tn\nnonsense\nEND\tn\t1\n",
            "BEGIN\tn\nx\tone\nEND\tn\t1\n",
            "BEGIN\tn\nEND\tn",
            "END\tn\t0\n",
        ] {
            check(broken, None);
        }
    }
}
