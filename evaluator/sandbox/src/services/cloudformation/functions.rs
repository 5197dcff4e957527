//! Functions of templates, computed for the resources that the sandbox makes: `Ref`, `Fn::Sub`, `Fn::Join`, and the `Arn`
//! of `Fn::GetAtt`. Owns what names stand for; what is not known stays as it is written.

use crate::stacks::Stack;
use serde_json::{Map, Value};

/// A stack, and where it is: `account/region` and its ARN.
pub(super) struct Scope<'a> {
    pub(super) stack: &'a Stack,
    pub(super) key: &'a (String, String),
}

impl Scope<'_> {
    /// A value with its functions computed.
    pub(super) fn computed(&self, value: &Value) -> Value {
        match value {
            Value::Array(items) => Value::Array(items.iter().map(|item| self.computed(item)).collect()),
            Value::Object(members) => match members.iter().next().filter(|_| members.len() == 1) {
                Some((name, given)) => self.function(name, given).unwrap_or_else(|| self.members(members)),
                None => self.members(members),
            },
            other => other.clone(),
        }
    }

    fn members(&self, members: &Map<String, Value>) -> Value {
        Value::Object(members.iter().map(|(name, value)| (name.clone(), self.computed(value))).collect())
    }

    fn function(&self, name: &str, given: &Value) -> Option<Value> {
        match name {
            "Ref" => self.named(given.as_str()?).map(Value::from),
            "Fn::Sub" => match given {
                Value::Array(both) => {
                    let own = both.get(1)?.as_object()?;
                    Some(self.filled(both.first()?.as_str()?, own).into())
                }
                text => Some(self.filled(text.as_str()?, &Map::new()).into()),
            },
            "Fn::Join" => {
                let by = given.get(0)?.as_str()?;
                let Value::Array(parts) = self.computed(given.get(1)?) else { return None };
                Some(parts.iter().map(plain).collect::<Vec<_>>().join(by).into())
            }
            "Fn::GetAtt" => {
                let path = match given {
                    Value::String(path) => path.clone(),
                    parts => format!("{}.{}", parts.get(0)?.as_str()?, parts.get(1)?.as_str()?),
                };
                self.attribute(&path).map(Value::from)
            }
            _ => None,
        }
    }

    fn filled(&self, text: &str, own: &Map<String, Value>) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, left)) = after.split_once('}') else {
                out.push_str("${");
                rest = after;
                continue;
            };
            rest = left;
            let found = match (name.strip_prefix('!'), own.get(name)) {
                (Some(literal), _) => Some(format!("${{{literal}}}")),
                (None, Some(value)) => Some(plain(&self.computed(value))),
                (None, None) => self.named(name).or_else(|| self.attribute(name)),
            };
            out.push_str(&found.unwrap_or_else(|| format!("${{{name}}}")));
        }
        out.push_str(rest);
        out
    }

    fn named(&self, name: &str) -> Option<String> {
        let (account, region) = self.key.0.split_once('/')?;
        match name {
            "AWS::AccountId" => Some(account.to_owned()),
            "AWS::Region" => Some(region.to_owned()),
            "AWS::Partition" => Some("aws".to_owned()),
            "AWS::URLSuffix" => Some("amazonaws.com".to_owned()),
            "AWS::StackName" => Some(self.stack.name.clone()),
            "AWS::StackId" => Some(self.key.1.clone()),
            _ => self.stack.content.parameters.get(name).or_else(|| self.stack.resources.get(name)).cloned(),
        }
    }

    /// The ARN of an alarm of the stack.
    fn attribute(&self, path: &str) -> Option<String> {
        let id = self.stack.resources.get(path.strip_suffix(".Arn")?)?;
        let (account, region) = self.key.0.split_once('/')?;
        Some(format!("arn:aws:cloudwatch:{region}:{account}:alarm:{id}"))
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
