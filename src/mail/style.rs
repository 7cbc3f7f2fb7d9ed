//! Which declarations of a `style` attribute may stay, and in what form.
//!
//! An allow list of properties and of characters: no address, no function but colours, no escape,
//! nothing that leaves the mail's own frame.

/// Longest value kept, in bytes.
const MAX_VALUE: usize = 200;

/// The declarations that may stay as `name:value;name:value`; `None` when none does.
///
/// What it returns it returns again for itself.
pub(super) fn filter(style: &str) -> Option<String> {
    let kept: Vec<String> = declarations(style).filter_map(|(name, value)| keep(name, value)).collect();
    (!kept.is_empty()).then(|| kept.join(";"))
}

/// Whether the filtered `style` brings colours of its own.
pub(super) fn has_colour(style: &str) -> bool {
    declarations(style).any(|(name, value)| {
        let neutral = matches!(value, "inherit" | "initial" | "transparent" | "none" | "windowtext" | "currentcolor");
        matches!(name, "color" | "background" | "background-color") && !neutral
    })
}

fn declarations(style: &str) -> impl Iterator<Item = (&str, &str)> {
    style.split(';').filter_map(|one| one.split_once(':')).map(|(name, value)| (name.trim(), value.trim()))
}

fn keep(name: &str, value: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let value = value.to_ascii_lowercase();
    let value = value.split_once('!').map_or(value.as_str(), |(before, _)| before);
    let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let fits = !value.is_empty() && value.len() <= MAX_VALUE;
    (fits && is_allowed(&name, &value) && is_plain(&name, &value)).then(|| format!("{name}:{value}"))
}

fn is_allowed(name: &str, value: &str) -> bool {
    match name {
        "color" | "background" | "background-color" => true,
        "display" => {
            let table = value.starts_with("table") || value == "inline-table";
            table || matches!(value, "block" | "inline" | "inline-block" | "none" | "list-item")
        }
        "direction" | "unicode-bidi" => matches!(value, "ltr" | "rtl" | "embed" | "isolate" | "normal"),
        "width" | "min-width" | "max-width" | "height" | "min-height" | "max-height" => !value.contains(['-', 'v']),
        "text-indent" => !value.contains('-'),
        "line-height"
        | "letter-spacing"
        | "word-spacing"
        | "vertical-align"
        | "white-space"
        | "word-break"
        | "word-wrap"
        | "overflow-wrap"
        | "float"
        | "clear"
        | "table-layout"
        | "border-collapse"
        | "border-spacing"
        | "caption-side"
        | "empty-cells"
        | "list-style"
        | "list-style-type"
        | "list-style-position"
        | "text-align"
        | "text-decoration"
        | "text-decoration-line"
        | "text-transform" => true,
        "font" | "font-family" | "font-size" | "font-style" | "font-variant" | "font-weight" => true,
        _ => is_box(name, value),
    }
}

/// Margins, padding and borders; a negative one would draw over what is beside.
fn is_box(name: &str, value: &str) -> bool {
    let side = |rest: &str| matches!(rest, "" | "-top" | "-right" | "-bottom" | "-left");
    if let Some(rest) = name.strip_prefix("margin").or_else(|| name.strip_prefix("padding")) {
        return side(rest) && !value.contains('-');
    }
    let Some(rest) = name.strip_prefix("border") else { return false };
    let rest =
        rest.strip_suffix("-color").or(rest.strip_suffix("-style")).or(rest.strip_suffix("-width")).unwrap_or(rest);
    side(rest) || matches!(rest, "-radius")
}

/// Whether the value is made of plain words, numbers and colours.
fn is_plain(name: &str, value: &str) -> bool {
    let quoted = name.starts_with("font");
    let allowed = |c: char| c.is_ascii_alphanumeric() || " #%.,-_+/()".contains(c) || (quoted && "\"'".contains(c));
    value.chars().all(allowed)
        && value.matches('"').count().is_multiple_of(2)
        && value.matches('\'').count().is_multiple_of(2)
        && !value.contains("/*")
        && !value.contains("//")
        && !value.contains("expression")
        && colours_only(value)
}

/// Whether every parenthesis belongs to a colour of numbers.
fn colours_only(value: &str) -> bool {
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('(') {
        let Some((inside, tail)) = after.split_once(')') else { return false };
        let word = before.rsplit([' ', ',']).next().unwrap_or_default();
        let numbers = inside.chars().all(|c| c.is_ascii_digit() || " .,%/-deg".contains(c));
        if !matches!(word, "rgb" | "rgba" | "hsl" | "hsla") || !numbers || before.contains(')') {
            return false;
        }
        rest = tail;
    }
    !rest.contains(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_and_colours_stay() {
        for (style, expected) in [
            ("COLOR: #FF0000 ; Font-Family: \"Segoe UI\", Arial", "color:#ff0000;font-family:\"segoe ui\", arial"),
            (
                "margin:0 auto;padding-left:4px;border-top:solid #E1E1E1 1.0pt",
                "margin:0 auto;padding-left:4px;border-top:solid #e1e1e1 1.0pt",
            ),
            ("background:rgba(0, 0, 0, .5) !important", "background:rgba(0, 0, 0, .5)"),
            ("mso-line-height-rule:exactly;line-height:20px", "line-height:20px"),
            ("max-width:600px;width:100%", "max-width:600px;width:100%"),
        ] {
            let once = filter(style).unwrap();
            assert_eq!(once, expected);
            assert_eq!(filter(&once), Some(once));
        }
    }

    #[test]
    fn nothing_loads_runs_or_leaves_its_frame() {
        for style in [
            "background:url(http://x.example/a.png)",
            "background:URL('x')",
            "background-image:uRl(x)",
            "background:u\\72l(x)",
            "background:url(",
            "background:image-set('x' 1x)",
            "background:cross-fade(url(x),url(y))",
            "list-style:url(x)",
            "content:'x'",
            "cursor:url(x),auto",
            "width:expression(alert(1))",
            "behavior:url(x)",
            "-moz-binding:url(x)",
            "position:fixed;top:0",
            "position:absolute",
            "z-index:9",
            "margin:-100px",
            "margin-left:-9em",
            "text-indent:-99px",
            "width:100vw",
            "height:100vh",
            "color:var(--x)",
            "width:calc(1px + 2px)",
            "filter:url(#x)",
            "mask:url(x)",
            "@import 'x'",
            "color:red}body{color:blue",
            "color:/*",
            "color:rgb(url(x))",
            "color:rgb(1,2",
            "color:</style>",
            "font-family:\"a",
            "--x:url(y)",
            "transform:scale(9)",
            "opacity:0;animation:x",
            "background:#000 url (x)",
            "display:flex",
            "color:rgb(1)evil(2)",
        ] {
            assert_eq!(filter(style), None, "{style}");
        }
        assert_eq!(filter("color:red;background:url('a;color:blue')").as_deref(), Some("color:red"));
    }

    #[test]
    fn colours_are_noticed() {
        assert!(has_colour("color:#000") && has_colour("margin:0;background-color:white"));
        assert!(!has_colour("background:transparent;color:inherit;font-size:12px"));
    }
}
