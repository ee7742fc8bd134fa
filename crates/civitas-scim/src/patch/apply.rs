//! Steps applied to a copy of a resource.

use serde_json::Value;

use super::{Op, Patched, Step, elements, object, schemas};
use crate::{
    Attributes, Invalid, coerce,
    condition::path_of,
    resource::normalize_schemas,
    schema::{Attribute, Mutability, ResourceType, Schema, Type},
    tolerance::Tolerance,
    value::is_present,
};

pub(super) fn apply(
    resource: &Attributes,
    steps: &[Step],
    rt: &ResourceType,
    tolerance: &Tolerance,
) -> Result<Patched, Invalid> {
    let mut draft = Draft {
        attributes: resource.clone(),
        secrets: Attributes::new(),
        rt,
        tolerance,
    };
    for step in steps {
        draft.step(step).map_err(|error| step.blame(error))?;
    }
    draft.finish(resource)
}

/// A step with the definitions of what it names.
pub(super) struct Change<'c> {
    pub(super) step: &'c Step,
    pub(super) attribute: &'c Attribute,
    pub(super) sub_attribute: Option<&'c Attribute>,
    pub(super) tolerance: &'c Tolerance,
    /// The canonical path, for errors.
    pub(super) at: String,
}

impl Change<'_> {
    pub(super) fn operand(&self) -> Value {
        self.step.value.clone().unwrap_or_default()
    }

    /// The operand as a value of the whole attribute.
    pub(super) fn coerced(&self, value: Value) -> Result<Option<Value>, Invalid> {
        coerce::value(self.attribute, value, self.tolerance, &self.at)
    }

    /// What becomes of the attribute's value.
    fn outcome(&self, old: Option<Value>) -> Result<Option<Value>, Invalid> {
        if self.attribute.multi_valued {
            let old = match old {
                Some(Value::Array(elements)) => elements,
                _ => Vec::new(),
            };
            let new = elements::outcome(self, old)?;
            return Ok((!new.is_empty()).then_some(Value::Array(new)));
        }
        if self.attribute.r#type == Type::Complex {
            return object::outcome(self, old);
        }
        match self.step.op {
            Op::Remove => Ok(None),
            Op::Add => Ok(self.coerced(self.operand())?.or(old)),
            Op::Replace => self.coerced(self.operand()),
        }
    }
}

struct Draft<'d> {
    attributes: Attributes,
    secrets: Attributes,
    rt: &'d ResourceType,
    tolerance: &'d Tolerance,
}

impl Draft<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Invalid> {
        let change = self.change(step)?;
        if step.attribute_name() == Some("schemas") {
            return schemas::step(&mut self.attributes, step, self.rt);
        }
        let leaf = change.sub_attribute.unwrap_or(change.attribute);
        match (change.attribute.mutability, leaf.mutability) {
            (Mutability::ReadOnly, _) | (_, Mutability::ReadOnly) => self.read_only(&change),
            (Mutability::WriteOnly, _) => self.secret(&change),
            _ => self.assign(&change),
        }
    }

    fn change<'c>(&self, step: &'c Step) -> Result<Change<'c>, Invalid>
    where
        Self: 'c,
    {
        let unknown = || Invalid::path(format!("unknown attribute {}", step.attribute));
        let attribute = definition(self.rt, step).ok_or_else(unknown)?;
        let sub_attribute = match &step.sub_attribute {
            Some(name) => Some(attribute.sub_attribute(name).ok_or_else(unknown)?),
            None => None,
        };
        Ok(Change {
            step,
            attribute,
            sub_attribute,
            tolerance: self.tolerance,
            at: path_of(step.extension.as_deref(), attribute, sub_attribute),
        })
    }

    fn assign(&mut self, change: &Change<'_>) -> Result<(), Invalid> {
        let attribute = change.attribute;
        let old = self.holder(change.step).get_mut(&attribute.name);
        let old = old.map(Value::take);
        let fixed = match attribute.mutability {
            Mutability::Immutable => old.clone(),
            _ => None,
        };
        let was_present = old.as_ref().is_some_and(is_present);
        let new = change.outcome(old)?;
        if fixed.is_some() && fixed != new {
            return Err(Invalid::mutability(format!("{} is immutable", change.at)));
        }
        if attribute.required && was_present && new.is_none() {
            return Err(Invalid::mutability(format!("{} is required", change.at)));
        }
        let holder = self.holder(change.step);
        match new {
            Some(new) => holder.insert(attribute.name.clone(), new),
            None => holder.shift_remove(&attribute.name),
        };
        Ok(())
    }

    /// The object that holds the attribute.
    fn holder(&mut self, step: &Step) -> &mut Attributes {
        container(&mut self.attributes, step)
    }

    /// Writing what is there already is no error (S-7644-3.5.2-20); removing always is
    /// (S-7644-3.5.2.2-03), for what a provider computes need not be at hand here.
    fn read_only(&mut self, change: &Change<'_>) -> Result<(), Invalid> {
        let step = change.step;
        let name = &change.attribute.name;
        let mut current = match &step.extension {
            Some(uri) => self.attributes.get(uri).and_then(|it| it.get(name)),
            None => self.attributes.get(name),
        };
        if let Some(sub) = &step.sub_attribute {
            current = current.and_then(|value| value.get(sub));
        }
        let is_same = step.op != Op::Remove
            && step.filter.is_none()
            && current.unwrap_or(&Value::Null) == step.value.as_ref().unwrap_or(&Value::Null);
        if is_same {
            Ok(())
        } else {
            Err(Invalid::mutability(format!("{} is readOnly", change.at)))
        }
    }

    fn secret(&mut self, change: &Change<'_>) -> Result<(), Invalid> {
        let step = change.step;
        if step.filter.is_some() || step.sub_attribute.is_some() {
            let detail = format!("{} is written as a whole", change.attribute.name);
            return Err(Invalid::path(detail));
        }
        let new = match step.op {
            Op::Remove => None,
            Op::Add | Op::Replace => change.coerced(change.operand())?,
        };
        if new.is_none() && step.op == Op::Add {
            return Ok(());
        }
        if new.is_none() && change.attribute.required {
            return Err(Invalid::mutability(format!("{} is required", change.at)));
        }
        container(&mut self.secrets, step)
            .insert(change.attribute.name.clone(), new.unwrap_or_default());
        Ok(())
    }

    fn finish(mut self, resource: &Attributes) -> Result<Patched, Invalid> {
        normalize_schemas(&mut self.attributes, self.rt);
        check_required(&self.rt.schema, &self.attributes)?;
        for extension in &self.rt.extensions {
            if let Some(Value::Object(container)) = self.attributes.get(&extension.schema.id) {
                check_required(&extension.schema, container)?;
            }
        }
        Ok(Patched {
            changed: self.attributes != *resource || !self.secrets.is_empty(),
            attributes: self.attributes,
            secrets: self.secrets,
        })
    }
}

fn definition<'t>(rt: &'t ResourceType, step: &Step) -> Option<&'t Attribute> {
    let by_name = |attribute: &&Attribute| attribute.name == step.attribute;
    match &step.extension {
        Some(uri) => {
            let extension = rt.extensions.iter().find(|it| it.schema.id == *uri)?;
            extension.schema.attributes.iter().find(by_name)
        }
        None => rt.common.iter().chain(&rt.schema.attributes).find(by_name),
    }
}

fn container<'a>(attributes: &'a mut Attributes, step: &Step) -> &'a mut Attributes {
    let Some(uri) = &step.extension else {
        return attributes;
    };
    let slot = attributes
        .entry(uri.as_str())
        .or_insert_with(|| Value::Object(Attributes::new()));
    if !slot.is_object() {
        *slot = Value::Object(Attributes::new());
    }
    match slot {
        Value::Object(container) => container,
        _ => unreachable!("made an object above"),
    }
}

fn check_required(schema: &Schema, holder: &Attributes) -> Result<(), Invalid> {
    let is_missing = |attribute: &&Attribute| {
        attribute.required
            && !matches!(
                attribute.mutability,
                Mutability::ReadOnly | Mutability::WriteOnly
            )
            && !holder.get(&attribute.name).is_some_and(is_present)
    };
    match schema.attributes.iter().find(is_missing) {
        Some(attribute) => Err(Invalid::value(format!("{} is required", attribute.name))),
        None => Ok(()),
    }
}
