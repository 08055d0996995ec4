//! Wrong usage or configuration, and what of it may be told.

use std::fmt;

/// Wrong usage or configuration: what is wrong, and what to write instead. The binary ends with exit code 2.
#[derive(Debug)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A URL as it is told to people and logs: without user, password, query and fragment, any of which may hold a credential.
/// What is no URL is told as it is.
pub fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = |text: &str, ends: &[char]| text.find(ends).unwrap_or(text.len());
    let (authority, path) = rest.split_at(end(rest, &['/', '?', '#']));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = host.rsplit_once(':').filter(|_| !host.ends_with(']')).map_or("", |(_, port)| port);
    // No host: a password with characters that end a host, not written as a URL wants it.
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{scheme}://…");
    }
    format!("{scheme}://{host}{}", &path[..end(path, &['?', '#'])])
}

/// The error and its causes on one line, without saying anything twice.
#[cfg(feature = "network")]
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        for (url, shown) in [
            ("https://user:secret@host:1/in?token=secret#secret", "https://host:1/in"),
            ("http://user:sec/r#e?t@host/in", "http://…"),
            ("http://host/in?token=a@b", "http://host/in"),
            ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
            ("http://user@[::1]", "http://[::1]"),
            ("s3://bucket/prefix", "s3://bucket/prefix"),
            ("/var/lib/flow@score?", "/var/lib/flow@score?"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
    }
}
