//! Puts values into words that were written with placeholders: `{{contact.name}}`.

use super::emit::push_escaped;

/// HTML with its placeholders filled in. Values are text and stay text: they are escaped, and what looks like a
/// placeholder in one is none. A name that is not known stays as it was written.
pub fn fill(html: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let found = after.split_once("}}").and_then(|(name, behind)| {
            let known = values.iter().find(|(known, _)| *known == name.trim())?;
            Some((known.1, behind))
        });
        match found {
            Some((value, behind)) => {
                push_escaped(&mut out, value, true);
                rest = behind;
            }
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text_and_fill_only_what_is_known() {
        let values = [("contact.name", "<b>{{conversation.number}}\" & Co"), ("conversation.number", "17")];
        for (written, filled) in [
            ("Hi {{contact.name}}!", "Hi &lt;b&gt;{{conversation.number}}&quot; &amp; Co!"),
            ("{{ conversation.number }}{{conversation.number}}", "1717"),
            ("{{unknown}} {{", "{{unknown}} {{"),
            ("{{{{conversation.number}}}}", "{{17}}"),
            ("}}{{", "}}{{"),
            ("", ""),
        ] {
            assert_eq!(fill(written, &values), filled);
        }
    }
}
