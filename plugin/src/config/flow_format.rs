//! The formats of flow log lines that a user names.

/// One flow log format or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowFormat {
    /// One, for example `${version} ${srcaddr} ${dstaddr} ${bytes}`.
    One(String),
    /// Candidates, in order of preference.
    Several(Vec<String>),
}

impl Default for FlowFormat {
    fn default() -> Self {
        FlowFormat::Several(Vec::new())
    }
}

impl FlowFormat {
    pub(super) fn texts(&self) -> &[String] {
        match self {
            FlowFormat::One(text) => std::slice::from_ref(text),
            FlowFormat::Several(texts) => texts,
        }
    }
}
