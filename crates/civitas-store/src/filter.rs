//! From conditions to questions that an index answers. Pure: no store is named here, so that
//! every store asks the same questions of its own index.
//!
//! The evaluator of `civitas-scim` defines what a condition means. A leaf stands here only
//! where an index gives exactly the evaluator's answer; everything else becomes
//! [`Op::Check`], and is decided on the documents.

use std::ptr;

use civitas_scim::{
    Attributes,
    condition::{Condition, Target},
    filter::Operator,
    value::{Comparison, Key},
};
use serde_json::json;

/// A condition with the way to answer it.
#[derive(Debug)]
pub(crate) struct Node<'c> {
    /// What the answer stands for.
    pub(crate) condition: &'c Condition,
    /// How it is found.
    pub(crate) op: Op<'c>,
}

/// How a set of resources is found.
#[derive(Debug)]
pub(crate) enum Op<'c> {
    /// All of the type or none.
    Constant(bool),
    /// An index answers exactly.
    Leaf(Leaf),
    /// In all.
    And(Vec<Node<'c>>),
    /// In some.
    Or(Vec<Node<'c>>),
    /// Not in it.
    Not(Box<Node<'c>>),
    /// No index answers: any resource may match, and its document tells.
    Check,
}

/// A question to an index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Leaf {
    /// Some value of the attribute lies in the span.
    Values {
        /// Path of the attribute.
        path: String,
        /// Which values.
        span: Span,
    },
    /// The `id` lies in the span.
    Id(Span),
    /// `meta.created` or `meta.lastModified`, in milliseconds, both ends included.
    Instant(Instant, i64, i64),
    /// The resource of that `id` is a member.
    HasMember(String),
    /// Any member at all.
    HasMembers,
    /// Belongs, directly or through other groups, to a group of which this holds.
    InGroup(GroupTest),
    /// Belongs to any group.
    InGroups,
}

/// An instant kept of every resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instant {
    /// `meta.created`.
    Created,
    /// `meta.lastModified`.
    Modified,
}

/// A condition on a group by its reference in `User.groups`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupTest {
    /// Whether the group's `id` is tested, else what it is shown as.
    pub(crate) by_id: bool,
    comparison: Comparison,
    operator: Operator,
    operand: String,
}

/// Values of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Span {
    /// The one value.
    Is(Key),
    /// A range of one storage class.
    Range {
        /// Lower end and whether it belongs to the range.
        low: Option<(Key, bool)>,
        /// Upper end and whether it belongs to the range.
        high: Option<(Key, bool)>,
    },
    /// Text, but the empty one, that contains this.
    Containing(String),
    /// Text, but the empty one, that ends with this.
    Ending(String),
    /// Whatever counts as present.
    Present,
}

/// Finds the way to answer a condition about resources of the type.
pub(crate) fn compile<'c>(condition: &'c Condition, resource_type: &str) -> Node<'c> {
    let each = |conditions: &'c [Condition]| -> Vec<Node<'c>> {
        conditions
            .iter()
            .map(|condition| compile(condition, resource_type))
            .collect()
    };
    let op = match condition {
        Condition::And(conditions) => Op::And(each(conditions)),
        Condition::Or(conditions) => Op::Or(each(conditions)),
        Condition::Not(inner) => Op::Not(Box::new(compile(inner, resource_type))),
        Condition::Never => Op::Constant(false),
        Condition::Present(target) if is_type(target) => constant(condition, resource_type),
        Condition::Present(target) => present(target).map_or(Op::Check, Op::Leaf),
        Condition::Compare(target, _, _) if is_type(target) => constant(condition, resource_type),
        Condition::Compare(target, operator, key) => compare(condition, target, *operator, key),
        Condition::Element(_, inner) => element(condition, inner),
    };
    Node { condition, op }
}

/// `meta.resourceType` is the same for all resources of a type.
fn is_type(target: &Target) -> bool {
    target.path == "meta.resourceType"
}

fn constant<'c>(condition: &Condition, resource_type: &str) -> Op<'c> {
    let mut resource = Attributes::new();
    resource.insert("meta".into(), json!({ "resourceType": resource_type }));
    Op::Constant(condition.matches(&resource))
}

fn present(target: &Target) -> Option<Leaf> {
    match target.path.as_str() {
        "members" | "members.value" => Some(Leaf::HasMembers),
        "groups" | "groups.value" => Some(Leaf::InGroups),
        "id" => Some(Leaf::Id(Span::Present)),
        "meta.created" => Some(Leaf::Instant(Instant::Created, i64::MIN, i64::MAX)),
        "meta.lastModified" => Some(Leaf::Instant(Instant::Modified, i64::MIN, i64::MAX)),
        path if has_values(target) => Some(Leaf::Values {
            path: path.into(),
            span: Span::Present,
        }),
        _ => None,
    }
}

/// Whether the values of the attribute stand in the index of values: `id` and `meta` have
/// indexes of their own.
pub(crate) fn has_values(target: &Target) -> bool {
    target.indexed && (target.extension.is_some() || !matches!(&*target.attribute, "id" | "meta"))
}

fn compare<'c>(condition: &'c Condition, target: &Target, operator: Operator, key: &Key) -> Op<'c> {
    if operator != Operator::Ne {
        return leaf(target, operator, key).map_or(Op::Check, Op::Leaf);
    }
    // Only of a singular attribute is "differs" the opposite of "equals".
    match leaf(target, Operator::Eq, key) {
        Some(equal) if !target.multi_valued => Op::Not(Box::new(Node {
            condition,
            op: Op::Leaf(equal),
        })),
        _ => Op::Check,
    }
}

fn leaf(target: &Target, operator: Operator, key: &Key) -> Option<Leaf> {
    match (target.path.as_str(), key) {
        ("members.value", Key::Text(id)) if is_exact(target, operator) => {
            Some(Leaf::HasMember(id.clone()))
        }
        ("members.value", _) => None,
        ("groups.value" | "groups.display", Key::Text(operand)) => Some(Leaf::InGroup(GroupTest {
            by_id: target.path == "groups.value",
            comparison: target.comparison,
            operator,
            operand: operand.clone(),
        })),
        // Stored ids are plain ASCII, so that their bytes are their prepared form.
        ("id", _) if target.comparison == Comparison::Exact => span(operator, key).map(Leaf::Id),
        ("meta.created", Key::Integer(at)) => instant(Instant::Created, operator, *at),
        ("meta.lastModified", Key::Integer(at)) => instant(Instant::Modified, operator, *at),
        (path, _) if has_values(target) => Some(Leaf::Values {
            path: path.into(),
            span: span(operator, key)?,
        }),
        _ => None,
    }
}

fn is_exact(target: &Target, operator: Operator) -> bool {
    target.comparison == Comparison::Exact && operator == Operator::Eq
}

fn span(operator: Operator, key: &Key) -> Option<Span> {
    let range = |low, high| Some(Span::Range { low, high });
    match (operator, key) {
        (Operator::Eq, _) => Some(Span::Is(key.clone())),
        (Operator::Co, Key::Text(text)) => Some(Span::Containing(text.clone())),
        (Operator::Ew, Key::Text(text)) => Some(Span::Ending(text.clone())),
        // Empty text counts as absent to the operators that look into text.
        (Operator::Sw, Key::Text(text)) => range(
            Some((key.clone(), !text.is_empty())),
            successor(text).map(|end| (Key::Text(end), false)),
        ),
        (Operator::Ne | Operator::Co | Operator::Ew | Operator::Sw, _) => None,
        (Operator::Gt, _) => range(Some((key.clone(), false)), None),
        (Operator::Ge, _) => range(Some((key.clone(), true)), None),
        (Operator::Lt, _) => range(None, Some((key.clone(), false))),
        (Operator::Le, _) => range(None, Some((key.clone(), true))),
    }
}

/// The least text greater than every text that starts with `prefix`; `None` when there is
/// none. UTF-8 orders by code point.
fn successor(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            _ => char::from_u32(last as u32 + 1),
        };
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// Operands count microseconds, stored instants whole milliseconds.
fn instant(which: Instant, operator: Operator, micros: i64) -> Option<Leaf> {
    let floor = micros.div_euclid(1000);
    let ceiling = floor + i64::from(micros.rem_euclid(1000) != 0);
    let (low, high) = match operator {
        // Empty (low above high) when the operand falls between two milliseconds.
        Operator::Eq => (ceiling, floor),
        Operator::Gt => (floor + 1, i64::MAX),
        Operator::Ge => (ceiling, i64::MAX),
        Operator::Lt => (i64::MIN, ceiling - 1),
        Operator::Le => (i64::MIN, floor),
        Operator::Ne | Operator::Co | Operator::Sw | Operator::Ew => return None,
    };
    Some(Leaf::Instant(which, low, high))
}

/// The elements of an attribute are not kept together in the index: what their parts say one
/// by one is asked first, and the documents decide.
fn element<'c>(condition: &'c Condition, inner: &'c Condition) -> Op<'c> {
    let parts = superset(condition, inner);
    if is_single(inner) && matches!(parts.op, Op::Leaf(_)) {
        return parts.op;
    }
    Op::And(vec![
        parts,
        Node {
            condition,
            op: Op::Check,
        },
    ])
}

/// Whether some element satisfies the condition exactly when some value does.
fn is_single(inner: &Condition) -> bool {
    match inner {
        Condition::Compare(_, operator, _) => *operator != Operator::Ne,
        Condition::Present(_) => true,
        _ => false,
    }
}

/// What holds of a resource if one of its elements satisfies `inner`.
fn superset<'c>(element: &'c Condition, inner: &'c Condition) -> Node<'c> {
    let each = |conditions: &'c [Condition]| -> Vec<Node<'c>> {
        conditions
            .iter()
            .map(|inner| superset(element, inner))
            .collect()
    };
    let op = match inner {
        Condition::And(conditions) => Op::And(each(conditions)),
        Condition::Or(conditions) => Op::Or(each(conditions)),
        Condition::Never => Op::Constant(false),
        Condition::Present(target) => present(target).map_or(Op::Constant(true), Op::Leaf),
        Condition::Compare(target, operator, key) => {
            leaf(target, *operator, key).map_or(Op::Constant(true), Op::Leaf)
        }
        Condition::Not(_) | Condition::Element(..) => Op::Constant(true),
    };
    Node {
        condition: element,
        op,
    }
}

impl Node<'_> {
    /// How much an index has to read for the answer, roughly: lower is tried first.
    pub(crate) fn rank(&self) -> u8 {
        match &self.op {
            Op::Constant(_) => 0,
            Op::Leaf(leaf) => leaf.rank(),
            Op::And(nodes) => nodes.iter().map(Node::rank).min().unwrap_or(0),
            Op::Or(nodes) => nodes.iter().map(Node::rank).max().unwrap_or(0),
            Op::Not(node) => node.rank(),
            Op::Check => u8::MAX,
        }
    }

    /// Whether it is a range of the values of one attribute, and nothing else.
    pub(crate) fn is_range(&self) -> bool {
        let Op::Leaf(Leaf::Values { span, .. }) = &self.op else {
            return false;
        };
        matches!(span, Span::Range { .. })
    }

    /// Whether it is membership of one group, and nothing else.
    pub(crate) fn is_of_one_group(&self) -> bool {
        matches!(&self.op, Op::Leaf(Leaf::InGroup(test)) if test.id().is_some())
    }

    /// Whether the documents could replace the index: not where members or groups, which
    /// stand in no document, would have to be read beside them.
    pub(crate) fn is_checkable(&self) -> bool {
        !mentions(self.condition, "members") && !mentions(self.condition, "groups")
    }
}

impl Leaf {
    fn rank(&self) -> u8 {
        match self {
            Self::Id(Span::Is(_)) => 0,
            // Two values share out all resources: little is excluded.
            Self::Values {
                span: Span::Is(Key::Integer(_)),
                ..
            } => 6,
            Self::Values {
                span: Span::Is(_), ..
            }
            | Self::HasMember(_) => 1,
            Self::InGroup(_) => 2,
            Self::Values {
                span: Span::Range { .. },
                ..
            }
            | Self::Id(_)
            | Self::Instant(..) => 3,
            Self::Values { .. } => 4,
            Self::HasMembers | Self::InGroups => 5,
        }
    }
}

impl GroupTest {
    /// The `id` asked for, where the test is for just one.
    pub(crate) fn id(&self) -> Option<&str> {
        let exact =
            self.by_id && self.comparison == Comparison::Exact && self.operator == Operator::Eq;
        exact.then_some(self.operand.as_str())
    }

    /// Whether it holds of a group.
    pub(crate) fn holds(&self, group_id: &str, display: &str) -> bool {
        let written = if self.by_id { group_id } else { display };
        let text = self.comparison.prepare(written);
        let (text, operand) = (text.as_ref(), self.operand.as_str());
        // Empty text counts as absent to the operators that look into text.
        let has = |found| found && !written.is_empty();
        match self.operator {
            Operator::Eq => text == operand,
            Operator::Ne => text != operand,
            Operator::Co => has(text.contains(operand)),
            Operator::Sw => has(text.starts_with(operand)),
            Operator::Ew => has(text.ends_with(operand)),
            Operator::Gt => text > operand,
            Operator::Ge => text >= operand,
            Operator::Lt => text < operand,
            Operator::Le => text <= operand,
        }
    }
}

/// Whether the condition looks at the attribute.
pub(crate) fn mentions(condition: &Condition, attribute: &str) -> bool {
    let is = |target: &Target| target.extension.is_none() && target.attribute == attribute;
    match condition {
        Condition::And(conditions) | Condition::Or(conditions) => conditions
            .iter()
            .any(|condition| mentions(condition, attribute)),
        Condition::Not(inner) => mentions(inner, attribute),
        Condition::Present(target) | Condition::Compare(target, ..) => is(target),
        Condition::Element(target, inner) => is(target) || mentions(inner, attribute),
        Condition::Never => false,
    }
}

/// Conditions left for the documents to decide, each once.
#[derive(Debug, Default)]
pub(crate) struct Residue<'c>(Vec<&'c Condition>);

impl<'c> Residue<'c> {
    /// Adds a condition.
    pub(crate) fn push(&mut self, condition: &'c Condition) {
        if !self.0.iter().any(|known| ptr::eq(*known, condition)) {
            self.0.push(condition);
        }
    }

    /// Adds the conditions of another.
    pub(crate) fn extend(&mut self, other: Self) {
        for condition in other.0 {
            self.push(condition);
        }
    }

    /// Whether nothing is left to decide.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a condition looks at the attribute.
    pub(crate) fn mentions(&self, attribute: &str) -> bool {
        self.0
            .iter()
            .any(|condition| mentions(condition, attribute))
    }

    /// Whether all hold of the resource.
    pub(crate) fn matches(&self, resource: &Attributes) -> bool {
        self.0.iter().all(|condition| condition.matches(resource))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successor_bounds_every_text_with_the_prefix() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("a\u{10FFFF}", Some("b")),
            ("\u{D7FF}", Some("\u{E000}")),
            ("\u{10FFFF}", None),
            ("", None),
        ] {
            assert_eq!(successor(prefix).as_deref(), end, "{prefix:?}");
        }
    }

    #[test]
    fn instants_compare_in_microseconds() {
        for operand in [-1500, -1000, -999, -1, 0, 1, 999, 1000, 1001, 2500] {
            for (operator, holds) in [
                (Operator::Eq, i64::eq as fn(&i64, &i64) -> bool),
                (Operator::Gt, i64::gt),
                (Operator::Ge, i64::ge),
                (Operator::Lt, i64::lt),
                (Operator::Le, i64::le),
            ] {
                let Some(Leaf::Instant(_, low, high)) =
                    instant(Instant::Created, operator, operand)
                else {
                    panic!("{operator:?} is answered");
                };
                for at in -4..=4 {
                    let expected = holds(&(at * 1000), &operand);
                    assert_eq!(
                        (low..=high).contains(&at),
                        expected,
                        "{at} {operator:?} {operand}"
                    );
                }
            }
        }
    }
}
