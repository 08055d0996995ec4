//! What an entry of the table is: a path, a meaning, and the typed place in the configuration it reads and writes.

use super::Config;
use super::flow_format::FlowFormat;

/// What is learned, by mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learned {
    /// Whatever the mode.
    Anything,
    /// The series of window mode.
    Series,
    /// The forest of record mode.
    Forest,
}

/// One option.
pub(super) struct Setting {
    /// Where it stands in the document, for example `forest.number_of_trees`.
    pub(super) path: &'static str,
    /// What would have to be learned anew if it changed: what was learned has its shape. None: it may change at any time.
    pub(super) shapes: Option<Learned>,
    /// What it means, in Markdown, one line.
    pub(super) meaning: &'static str,
    /// Its place in the configuration, with what is allowed there.
    pub(super) slot: fn(&mut Config) -> Slot<'_>,
}

/// A typed place for a value, with what is allowed there.
pub(super) enum Slot<'a> {
    /// A whole number.
    Whole { place: Whole<'a>, least: u64, most: u64 },
    /// A finite number, 0 or more.
    Number(&'a mut f64),
    /// True or false.
    Flag(&'a mut bool),
    /// One of a few words.
    Choice(&'a mut dyn Choice),
    /// Text that passes a test; `allowed` says which.
    Text { place: &'a mut String, is_allowed: fn(&str) -> bool, allowed: &'static str },
    /// Text, or null for none.
    Optional(&'a mut Option<String>),
    /// A list of texts.
    Texts { place: &'a mut Vec<String>, least: usize, most: usize },
    /// An object whose members are texts, in the order given.
    Map { place: &'a mut Vec<(String, String)>, most: usize },
    /// An object whose members are a text or number, or a list of such, in the order given.
    Values { place: &'a mut Vec<(String, Vec<String>)>, most: usize },
    /// One flow log format, or a list of them.
    Formats(&'a mut FlowFormat),
    /// A list of objects.
    Items { place: &'a mut dyn Items, most: usize },
}

/// Whole numbers of any width.
pub(super) enum Whole<'a> {
    U32(&'a mut u32),
    U64(&'a mut u64),
    Usize(&'a mut usize),
}

impl Whole<'_> {
    pub(super) fn get(&self) -> u64 {
        match self {
            Whole::U32(place) => u64::from(**place),
            Whole::U64(place) => **place,
            Whole::Usize(place) => **place as u64,
        }
    }

    /// The value is within the range of the option, and so of the type.
    pub(super) fn set(&mut self, value: u64) {
        match self {
            Whole::U32(place) => **place = value as u32,
            Whole::U64(place) => **place = value,
            Whole::Usize(place) => **place = value as usize,
        }
    }
}

impl<'a> From<&'a mut u32> for Whole<'a> {
    fn from(place: &'a mut u32) -> Self {
        Whole::U32(place)
    }
}

impl<'a> From<&'a mut u64> for Whole<'a> {
    fn from(place: &'a mut u64) -> Self {
        Whole::U64(place)
    }
}

impl<'a> From<&'a mut usize> for Whole<'a> {
    fn from(place: &'a mut usize) -> Self {
        Whole::Usize(place)
    }
}

/// A whole number from `least` to `most`.
pub(super) fn whole<'a>(place: impl Into<Whole<'a>>, least: u64, most: u64) -> Slot<'a> {
    Slot::Whole { place: place.into(), least, most }
}

/// Text that passes a test.
pub(super) fn text<'a>(place: &'a mut String, is_allowed: fn(&str) -> bool, allowed: &'static str) -> Slot<'a> {
    Slot::Text { place, is_allowed, allowed }
}

/// Text or null.
pub(super) fn optional(place: &mut Option<String>) -> Slot<'_> {
    Slot::Optional(place)
}

/// A list of texts.
pub(super) fn texts(place: &mut Vec<String>, least: usize, most: usize) -> Slot<'_> {
    Slot::Texts { place, least, most }
}

/// An enum that is a word in the document.
pub(super) trait Choice {
    /// All words, in the order of the enum.
    fn words(&self) -> &'static [&'static str];
    /// The place of the word that is chosen.
    fn chosen(&self) -> usize;
    /// Chooses the word at this place.
    fn choose(&mut self, index: usize);

    /// The place of a word.
    fn place(&self, text: &str) -> Option<usize> {
        self.words().iter().position(|word| *word == text)
    }
}

/// What a word of a choice is in the document, if not a text.
pub(super) fn truth(word: &str) -> Option<bool> {
    match word {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Implements [`Choice`]: `choices!(Mode { Window = "window", Record = "record" });`, all variants in their order.
macro_rules! choices {
    ($name:ident { $($variant:ident = $word:literal),+ }) => {
        impl $crate::config::setting::Choice for $name {
            fn words(&self) -> &'static [&'static str] {
                &[$($word),+]
            }

            fn chosen(&self) -> usize {
                *self as usize
            }

            fn choose(&mut self, index: usize) {
                if let Some(chosen) = [$($name::$variant),+].get(index) {
                    *self = *chosen;
                }
            }
        }
    };
}
pub(super) use choices;

/// A list of objects.
pub(super) trait Items {
    /// Names and meanings of an object's members.
    fn members(&self) -> &'static [(&'static str, &'static str)];
    /// How many objects there are.
    fn count(&self) -> usize;
    /// Makes it so many, new ones with defaults.
    fn resize(&mut self, count: usize);
    /// The place of a member of one of them.
    fn slot(&mut self, index: usize, name: &str) -> Option<Slot<'_>>;
}

impl Slot<'_> {
    /// What is allowed, for messages and the reference.
    pub(super) fn allowed(&self) -> String {
        match self {
            Slot::Whole { least, most: u64::MAX, .. } => format!("a whole number from {least} to 2^64 - 1"),
            Slot::Whole { least, most, .. } => format!("a whole number from {least} to {most}"),
            Slot::Number(_) => "a number of 0 or more".into(),
            Slot::Flag(_) => "true or false".into(),
            Slot::Choice(choice) => format!("one of {}", words(choice.words())),
            Slot::Text { allowed, .. } => (*allowed).into(),
            Slot::Optional(_) => "text or null".into(),
            Slot::Texts { least, most, .. } => format!("a list of {least} to {most} texts"),
            Slot::Map { most, .. } => format!("an object of at most {most} texts"),
            Slot::Values { most, .. } => format!("an object of at most {most} values or lists of values"),
            Slot::Formats(_) => "a format such as \"${version} ${interface-id} ${bytes}\", or a list of formats".into(),
            Slot::Items { most, .. } => format!("a list of at most {most} objects"),
        }
    }
}

fn words(words: &[&str]) -> String {
    let mut text = String::new();
    for word in words {
        text += if text.is_empty() { "" } else { ", " };
        match truth(word) {
            Some(_) => text += word,
            None => {
                text.push('"');
                text += word;
                text.push('"');
            }
        }
    }
    text
}
