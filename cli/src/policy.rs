//! From the command line to an engine: the policy's file, with packs put in its place where they were asked for.

use anyhow::{Context as _, Result, anyhow, bail};
use keepmum_engine::{Engine, catalogue, tree};
use serde_json::Value;

use crate::args::Choice;

/// Compiles what was chosen.
pub fn engine(choice: &Choice) -> Result<Engine> {
    for pack in choice.packs.iter().flatten() {
        known("--packs", pack)?;
    }
    compile(choice, choice.packs.as_deref())
}

/// The same with every pack armed.
pub fn with_all_packs(choice: &Choice) -> Result<Engine> {
    let all: Vec<String> = catalogue::PACKS.iter().map(|p| (*p).to_owned()).collect();
    compile(choice, Some(&all))
}

/// The policy as it is written.
pub fn written(choice: &Choice) -> Result<Vec<u8>> {
    match &choice.policy {
        Some(path) => std::fs::read(path).with_context(|| format!("cannot read {}", path.display())),
        None => Ok(Vec::new()),
    }
}

fn compile(choice: &Choice, packs: Option<&[String]>) -> Result<Engine> {
    let written = written(choice)?;
    let compiled = match packs {
        None => Engine::with_environment(&written, &environment),
        Some(packs) => Engine::with_packs(&written, packs, &environment),
    };
    compiled.map_err(|e| match &choice.policy {
        Some(path) => anyhow!("{}: {e}", path.display()),
        None => anyhow!("{e}"),
    })
}

/// A variable of the environment, as a proxy would hand it to the module.
pub fn environment(name: &str) -> Option<Vec<u8>> {
    std::env::var_os(name).map(|value| value.into_encoded_bytes())
}

/// Refuses a pack that does not exist, with the names of those that do.
pub fn known(option: &str, pack: &str) -> Result<()> {
    if !catalogue::PACKS.contains(&pack) {
        bail!(
            "{option}: there is no pack `{pack}`; there are {}",
            catalogue::PACKS.join(", ")
        );
    }
    Ok(())
}

/// `ns:key=value`, the value typed as in YAML: `true` and `8` are none of text, `"true"` is. The error does not repeat it.
pub fn metadata_of(written: &str) -> Result<(String, String, Vec<u8>)> {
    let parts = written
        .split_once('=')
        .and_then(|(name, value)| Some((name.split_once(':')?, value)));
    match parts {
        Some(((namespace, key), value)) if !namespace.is_empty() && !key.is_empty() => {
            Ok((namespace.to_owned(), key.to_owned(), scalar(value)?))
        }
        _ => bail!("--metadata: expected NAMESPACE:KEY=VALUE"),
    }
}

/// A value in the metadata of a route, as the proxy hands it over: text as it is, a number as a double, a boolean as a byte.
fn scalar(written: &str) -> Result<Vec<u8>> {
    let tree = tree(format!("value: {written}").as_bytes()).ok();
    match tree.as_ref().and_then(|tree| tree.get("value")) {
        Some(Value::Bool(b)) => Ok(vec![u8::from(*b)]),
        Some(Value::Number(n)) => Ok(n.as_f64().unwrap_or_default().to_le_bytes().to_vec()),
        Some(Value::String(text)) => Ok(text.clone().into_bytes()),
        Some(Value::Null) if written.is_empty() => Ok(Vec::new()),
        _ => {
            bail!("--metadata: expected text, a number, true or false behind `=`, as in YAML; quote other text: \"…\"")
        }
    }
}
