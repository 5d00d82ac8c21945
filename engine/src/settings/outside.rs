//! An `encryption` block that is given outside of the stack, so that its files need not hold a key.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{BLOCK, Written, read};
use crate::config::Registry;
use crate::diagnostic::{Diagnostic, Diagnostics, Sources};
use crate::lang::FunctionContext;
use crate::schema::Body;

/// The environment variable that holds it.
const ORIGIN: &str = "MESHFORM_ENCRYPTION";

/// What an `encryption` block says whose content is given as HCL, or as a JSON object in which blocks are objects.
///
/// # Errors
/// When it is neither, or not what such a block holds. Its text is not repeated: it may hold a key.
pub fn encryption(
    text: &str,
    registry: &Registry,
    functions: &FunctionContext<'_>,
) -> Result<Written, Diagnostics> {
    let schema = registry.keeping().map(|keeping| &keeping.encryption).cloned().unwrap_or_default();
    let content = match serde_json::from_str::<Json>(text) {
        Ok(Json::Object(members)) => members.iter().map(|(name, it)| written(name, it, &schema)).collect(),
        _ => text.to_owned(),
    };
    let mut sources = Sources::default();
    sources.add(ORIGIN, &format!("{BLOCK} {{\nencryption {{\n{content}\n}}\n}}\n"));
    let settings = read(&sources, registry, &[], functions).map_err(without_places)?;
    let written = settings.encryption.map(|written| Written { content: Arc::default(), ..written });
    written.ok_or_else(|| {
        let detail = format!("{ORIGIN} holds no content of an `encryption` block.");
        Diagnostic::error("Invalid encryption", detail).into()
    })
}

/// A member of a JSON object as the argument or the blocks that it stands for.
fn written(name: &str, value: &Json, schema: &Body) -> String {
    let block = schema.blocks.iter().find(|block| block.name == name);
    match (block, value) {
        (Some(block), Json::Object(members)) => {
            let inner = members.iter().map(|(name, it)| written(name, it, &block.body));
            format!("{name} {{\n{}}}\n", inner.collect::<String>())
        }
        (Some(_), Json::Array(all)) => all.iter().map(|it| written(name, it, schema)).collect(),
        // What is a template in HCL is a plain text in JSON.
        _ => format!("{name} = {}\n", value.to_string().replace("${", "$${").replace("%{", "%%{")),
    }
}

/// Places in a text that is not to be shown.
fn without_places(diagnostics: Diagnostics) -> Diagnostics {
    let mut bare = Diagnostics::new();
    for problem in diagnostics.iter() {
        let summary = format!("{ORIGIN}: {}", problem.summary);
        bare.push(Diagnostic { summary, span: None, ..problem.clone() });
    }
    bare
}
