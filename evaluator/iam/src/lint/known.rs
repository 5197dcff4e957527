//! Which known actions a pattern names, and what a misspelt name was meant to be. Owns both questions.

use smol_str::{SmolStr, format_smolstr};

use crate::catalogue::{Action, Catalogue, Service};
use crate::data::packed::glob;

/// A known action.
#[derive(Clone, Copy)]
pub(super) struct Known<'c> {
    pub(super) prefix: &'c str,
    pub(super) service: &'c Service,
    pub(super) action: &'c Action,
}

impl Known<'_> {
    /// `service:Name`.
    pub(super) fn name(&self) -> SmolStr {
        format_smolstr!("{}:{}", self.prefix, self.action.name)
    }

    /// The condition keys that a request for it may carry, beside the global ones.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.action.keys.iter().filter_map(|&at| Some(self.service.keys.get(usize::from(at))?.name.as_str()))
    }
}

/// Whether a text has a wildcard.
pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The known actions that a pattern names.
pub(super) fn named<'c>(catalogue: &'c Catalogue, pattern: &str) -> Vec<Known<'c>> {
    let (prefix, name) = pattern.split_once(':').unwrap_or((pattern, pattern));
    let services = catalogue.services.iter().filter(|(own, _)| glob(prefix, own));
    let known = services
        .flat_map(|(prefix, service)| service.actions.iter().map(move |action| Known { prefix, service, action }));
    known.filter(|known| glob(name, &known.action.name)).collect()
}

/// What a misspelt name may have been meant to be.
pub(super) enum Meant {
    /// This, most likely.
    Likely(SmolStr),
    /// An action of the same name of another service, which is worth a look.
    Perhaps(SmolStr),
}

impl Meant {
    /// What to say of it.
    pub(super) fn help(&self) -> String {
        match self {
            Self::Likely(by) => format!("did you mean `{by}`?"),
            Self::Perhaps(other) => format!("there is `{other}`"),
        }
    }
}

/// What a name of an action without wildcards was meant to be.
pub(super) fn meant(catalogue: &Catalogue, written: &str) -> Option<Meant> {
    let (prefix, name) = written.split_once(':')?;
    let services = catalogue.services.keys().map(SmolStr::as_str);
    let own = if catalogue.service(prefix).is_some() { Some(prefix) } else { closest(prefix, services) };
    let near = own.and_then(|own| {
        let service = catalogue.service(own)?;
        let near = closest(name, service.actions.iter().map(|action| action.name.as_str()))?;
        Some(format_smolstr!("{}:{near}", own.to_ascii_lowercase()))
    });
    near.map(Meant::Likely).or_else(|| elsewhere(catalogue, prefix, name).map(Meant::Perhaps))
}

/// The action of this name of a service whose prefix is akin, if there is just one.
fn elsewhere(catalogue: &Catalogue, written: &str, name: &str) -> Option<SmolStr> {
    let mut found = catalogue
        .services
        .iter()
        .filter(|(prefix, _)| akin(prefix, written))
        .filter_map(|(prefix, service)| Some(format_smolstr!("{prefix}:{}", service.action(name)?.name)));
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

/// Whether one prefix begins or ends the other: `logs` and `cloudwatchlogs`.
fn akin(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
    let (short, long) = if one.len() < other.len() { (&one, &other) } else { (&other, &one) };
    short.len() >= 3 && (long.starts_with(short.as_str()) || long.ends_with(short.as_str()))
}

/// The name that differs least, if it differs little; of two, the first.
pub(super) fn closest<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let lower = written.to_ascii_lowercase();
    let far = (written.len() / 5).clamp(1, 3);
    names
        .filter(|name| name.len().abs_diff(written.len()) <= far)
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_ascii_lowercase()), name))
        .filter(|&(distance, _)| distance <= far)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// Whether a written condition key is a listed one, which may have a variable: `aws:RequestTag/${TagKey}`.
pub(super) fn is_key(listed: &str, written: &str) -> bool {
    match listed.split_once("${") {
        None => listed.eq_ignore_ascii_case(written),
        Some((head, rest)) => {
            let tail = rest.split_once('}').map_or("", |(_, tail)| tail);
            // A second variable, or one in the middle, may stand for anything.
            let tail = tail.rsplit('}').next().unwrap_or(tail);
            let (head_len, tail_len) = (head.len(), tail.len());
            written.len() > head_len + tail_len
                && written.get(..head_len).is_some_and(|own| own.eq_ignore_ascii_case(head))
                && written.get(written.len() - tail_len..).is_some_and(|own| own.eq_ignore_ascii_case(tail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn keys_with_variables() {
        for (listed, written, same) in [
            ("aws:SourceIp", "AWS:sourceip", true),
            ("aws:RequestTag/${TagKey}", "aws:RequestTag/team", true),
            ("aws:RequestTag/${TagKey}", "aws:RequestTag/", false),
            ("codebuild:vpcConfig.${name}.value", "codebuild:vpcConfig.x.value", true),
            ("codebuild:vpcConfig.${name}.value", "codebuild:vpcConfig.x.values", false),
        ] {
            assert_eq!(is_key(listed, written), same, "{listed} {written}");
        }
    }
}
