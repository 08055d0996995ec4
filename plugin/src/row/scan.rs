//! A JSON scanner that checks and locates, and copies nothing.
//!
//! Grammar: RFC 8259. It is iterative, so nesting costs a bit for each level and no stack; deeper than [`MAX_DEPTH`] is a
//! failure. A value once scanned is known to be valid JSON and may be written to output as it is.

use crate::failure::{Failure, Layer};

/// The deepest nesting accepted, the same as serde_json's.
pub const MAX_DEPTH: u32 = 127;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Object,
    Array,
    /// The span includes the quotes.
    String {
        escaped: bool,
    },
    Number,
    True,
    False,
    Null,
}

/// A value and where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub(crate) kind: ValueKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The text between a key's quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) escaped: bool,
}

/// Walks over one JSON text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(json: &'a [u8]) -> Result<Self, Failure> {
        let text = std::str::from_utf8(json)
            .map_err(|error| Failure::new(Layer::Json, error.valid_up_to(), "not UTF-8: JSON is UTF-8 text"))?;
        Ok(Scanner { text, bytes: json, position: 0 })
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// The next byte that is not white space, not consumed.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.bytes.get(self.position) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.position += 1;
        }
        None
    }

    /// Checks that nothing but white space follows.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fail("more text after the end of the JSON value")),
        }
    }

    pub(crate) fn open_object(&mut self) -> Result<(), Failure> {
        self.expect(b'{', "a JSON object, which begins with `{`, is expected")
    }

    pub(crate) fn open_array(&mut self) -> Result<(), Failure> {
        self.expect(b'[', "a JSON array, which begins with `[`, is expected")
    }

    /// The next key of the object that is open, with its colon consumed; none when the object closed.
    pub(crate) fn next_key(&mut self, first: bool) -> Result<Option<Key>, Failure> {
        match self.peek() {
            Some(b'}') => {
                self.position += 1;
                return Ok(None);
            }
            Some(b',') if !first => self.position += 1,
            Some(_) if first => {}
            _ => return Err(self.fail("`,` or `}` is expected after a member of a JSON object")),
        }
        if self.peek() != Some(b'"') {
            return Err(self.fail("a key in double quotes is expected in a JSON object"));
        }
        let start = self.position + 1;
        let escaped = self.string()?;
        let end = self.position - 1;
        self.expect(b':', "`:` is expected after a key of a JSON object")?;
        Ok(Some(Key { start, end, escaped }))
    }

    /// Whether the array that is open has another element.
    pub(crate) fn next_element(&mut self, first: bool) -> Result<bool, Failure> {
        match self.peek() {
            Some(b']') => {
                self.position += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.position += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            _ => Err(self.fail("`,` or `]` is expected after an element of a JSON array")),
        }
    }

    /// Scans one whole value, with all it contains.
    pub(crate) fn value(&mut self) -> Result<Value, Failure> {
        let Some(byte) = self.peek() else { return Err(self.fail("the JSON text ends where a value is expected")) };
        let start = self.position;
        let kind = match byte {
            b'{' => {
                self.skip_container()?;
                ValueKind::Object
            }
            b'[' => {
                self.skip_container()?;
                ValueKind::Array
            }
            _ => self.scalar(byte)?,
        };
        Ok(Value { kind, start, end: self.position })
    }

    fn scalar(&mut self, first: u8) -> Result<ValueKind, Failure> {
        match first {
            b'"' => Ok(ValueKind::String { escaped: self.string()? }),
            b'-' | b'0'..=b'9' => self.number().map(|()| ValueKind::Number),
            b't' => self.word("true", ValueKind::True),
            b'f' => self.word("false", ValueKind::False),
            b'n' => self.word("null", ValueKind::Null),
            _ => {
                Err(self
                    .fail("this is no JSON value: a string, number, object, array, true, false or null is expected"))
            }
        }
    }

    /// Skips an object or array. `objects` remembers for each open level whether it is an object.
    fn skip_container(&mut self) -> Result<(), Failure> {
        let mut objects = 0u128;
        let mut depth = 0;
        let mut first = true;
        loop {
            if depth > 0 {
                let more = if objects & 1 == 1 { self.next_key(first)?.is_some() } else { self.next_element(first)? };
                if !more {
                    objects >>= 1;
                    depth -= 1;
                    if depth == 0 {
                        return Ok(());
                    }
                    first = false;
                    continue;
                }
            }
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if depth == MAX_DEPTH {
                        return Err(self.fail("JSON nested deeper than 127 levels"));
                    }
                    self.position += 1;
                    objects = (objects << 1) | u128::from(open == b'{');
                    depth += 1;
                    first = true;
                }
                Some(byte) => {
                    self.scalar(byte)?;
                    first = false;
                }
                None => return Err(self.fail("the JSON text ends inside an object or array")),
            }
        }
    }

    /// Scans a string; tells whether it has escape sequences.
    fn string(&mut self) -> Result<bool, Failure> {
        self.position += 1;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(self.position..).unwrap_or_default();
            let length = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
            self.position += length.unwrap_or(rest.len());
            match self.bytes.get(self.position) {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.fail("a control character in a JSON string must be escaped")),
                None => return Err(self.fail("the JSON text ends inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Failure> {
        match self.bytes.get(self.position + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.position += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.position + 2..self.position + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(self.fail("`\\u` in a JSON string is followed by 4 hexadecimal digits"));
                }
                self.position += 6;
            }
            _ => return Err(self.fail("`\\` in a JSON string is followed by one of \" \\ / b f n r t u")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Failure> {
        self.skip_if(b"-");
        if !self.skip_if(b"0") {
            self.digits()?;
        }
        if self.skip_if(b".") {
            self.digits()?;
        }
        if self.skip_if(b"eE") {
            self.skip_if(b"+-");
            self.digits()?;
        }
        match self.bytes.get(self.position) {
            Some(b'0'..=b'9') => Err(self.fail("a JSON number has no leading zero")),
            _ => Ok(()),
        }
    }

    fn skip_if(&mut self, bytes: &[u8]) -> bool {
        let found = self.bytes.get(self.position).is_some_and(|byte| bytes.contains(byte));
        self.position += usize::from(found);
        found
    }

    fn digits(&mut self) -> Result<(), Failure> {
        let start = self.position;
        while self.bytes.get(self.position).is_some_and(u8::is_ascii_digit) {
            self.position += 1;
        }
        if self.position > start { Ok(()) } else { Err(self.fail("a digit is expected in a JSON number")) }
    }

    fn word(&mut self, word: &str, kind: ValueKind) -> Result<ValueKind, Failure> {
        if !self.bytes[self.position..].starts_with(word.as_bytes()) {
            return Err(self.fail("this is no JSON value: true, false and null are the only words"));
        }
        self.position += word.len();
        Ok(kind)
    }

    fn expect(&mut self, byte: u8, reason: &'static str) -> Result<(), Failure> {
        if self.peek() != Some(byte) {
            return Err(self.fail(reason));
        }
        self.position += 1;
        Ok(())
    }

    #[cold]
    fn fail(&self, reason: &'static str) -> Failure {
        Failure::new(Layer::Json, self.position, reason)
    }
}
