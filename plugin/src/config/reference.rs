//! The configuration reference, rendered from the table.

use std::fmt::Write;

use super::Config;
use super::setting::{Setting, Slot};
use super::table::{SECTIONS, SETTINGS};
use crate::json::Writer;

/// `docs/configuration.md`: a table of all options for each section.
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    let mut config = Config::default();
    for (section, meaning) in std::iter::once(&("", "")).chain(&SECTIONS) {
        if !section.is_empty() {
            // Writing to a String cannot fail, here and below.
            let _ = write!(page, "\n## `{section}`\n\n{meaning}\n\n");
        }
        page.push_str("| Option | Default | Allowed | Meaning |\n|---|---|---|---|\n");
        let of_section =
            |setting: &&Setting| setting.path.rsplit_once('.').map_or("", |(parent, _)| parent) == *section;
        for Setting { path, meaning, slot, shapes } in SETTINGS.iter().filter(of_section) {
            let mut slot = slot(&mut config);
            let mut default = Vec::new();
            slot.write(&mut Writer::compact(&mut default));
            let anew = if shapes.is_some() { " **Learns anew.**" } else { "" };
            let (default, allowed) = (String::from_utf8_lossy(&default), slot.allowed());
            let _ = writeln!(page, "| `{path}` | `{default}` | {allowed} | {meaning}{anew} |");
            if let Slot::Items { place, .. } = &mut slot {
                place.resize(1);
                for (name, meaning) in place.members() {
                    let allowed = place.slot(0, name).map(|slot| slot.allowed()).unwrap_or_default();
                    let _ = writeln!(page, "| `{path}[].{name}` | | {allowed} | {meaning} |");
                }
                place.resize(0);
            }
        }
    }
    page
}

const HEAD: &str = "\
# Configuration

Rendered from the table in `plugin/src/config/table.rs`, from which the reading, its errors, the configuration in force
(`flowscore check-config`) and the JSON Schema (`flowscore check-config --schema`) derive, too; a test keeps this page
equal to it.

The configuration is one JSON document. Every key is optional; a key that is not known is an error. An option
`forest.seed` is the member `seed` of the object `forest`:

```json
{ \"forest\": { \"seed\": 7 } }
```

The commands also read JSON with comments (`//`, `/* */`), YAML (`.yaml`, `.yml`) and TOML (`.toml`), and replace `${NAME}` by the
variable `NAME` of the environment; `${NAME:-text}` has a text for when it is not set, and `$${NAME}` stays `${NAME}`. Names
are of capital letters, digits and `_`, so that `${interface-id}` in a format stays what it is. `flowscore init SAMPLE` writes
a commented configuration that fits a sample. Editors find the schema by `\"$schema\": \"flowscore.schema.json\"`. The Fluent Bit
filter reads plain JSON only.

What was learned outlives a change of any option but those that say *learns anew*: they shape it. After a change of one of
these a stored model is refused, with the name of the option; `--discard model` begins a new one.

";
