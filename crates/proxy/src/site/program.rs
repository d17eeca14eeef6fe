//! The rewrite module's directives, compiled.

use super::{BadExpression, LocationId, Site, compile_pattern};
use nginx_conf::model::{Condition, FileTest, Instruction, Return, RewriteFlag, Template, Variable};
use nginx_conf::pattern::Expression;
use std::rc::Rc;

/// A step of a program.
#[derive(Debug)]
pub(crate) enum Op {
    /// `set`
    Set { variable: usize, value: Template },
    /// `return`
    Return(Return),
    /// `rewrite`
    Rewrite {
        expression: Expression,
        names: Vec<(String, usize)>,
        replacement: Template,
        args: Option<Template>,
        keep_args: bool,
        flag: RewriteFlag,
    },
    /// `break`
    Break,
    /// `if`: the steps inside, and the location that takes over.
    If { test: Test, then: Rc<[Op]>, location: Option<LocationId> },
}

/// A condition.
#[derive(Debug)]
pub(crate) enum Test {
    True(Variable),
    Equals { variable: Variable, value: Template, negated: bool },
    Matches { variable: Variable, expression: Expression, names: Vec<(String, usize)>, negated: bool },
    File { test: FileTest, path: Template, negated: bool },
}

impl Site {
    pub(super) fn compile_program(
        &mut self,
        instructions: &[Instruction],
        within: LocationId,
    ) -> Result<Vec<Op>, BadExpression> {
        instructions.iter().map(|instruction| self.compile_step(instruction, within)).collect()
    }

    fn compile_step(&mut self, instruction: &Instruction, within: LocationId) -> Result<Op, BadExpression> {
        Ok(match instruction {
            Instruction::Set { variable, value } => Op::Set { variable: *variable, value: value.clone() },
            Instruction::Return(answer) => Op::Return(answer.clone()),
            Instruction::Break => Op::Break,
            Instruction::Rewrite(rewrite) => Op::Rewrite {
                expression: compile_pattern(&rewrite.pattern)?,
                names: rewrite.pattern.names.clone(),
                replacement: rewrite.replacement.clone(),
                args: rewrite.args.clone(),
                keep_args: rewrite.keep_args,
                flag: rewrite.flag,
            },
            Instruction::If { condition, then, location } => {
                let test = compile_test(condition)?;
                let then = Rc::from(self.compile_program(then, within)?);
                let location = match location {
                    Some(location) => {
                        let id = self.add(location, &mut Vec::new())?;
                        // The implicit location stands where its parent stands.
                        self.locations[id].prefix = self.locations[within].prefix.clone();
                        Some(id)
                    }
                    None => None,
                };
                Op::If { test, then, location }
            }
        })
    }
}

fn compile_test(condition: &Condition) -> Result<Test, BadExpression> {
    Ok(match condition {
        Condition::True(variable) => Test::True(variable.clone()),
        Condition::Equals { variable, value, negated } => {
            Test::Equals { variable: variable.clone(), value: value.clone(), negated: *negated }
        }
        Condition::Matches { variable, pattern, negated } => Test::Matches {
            variable: variable.clone(),
            expression: compile_pattern(pattern)?,
            names: pattern.names.clone(),
            negated: *negated,
        },
        Condition::File { test, path, negated } => {
            Test::File { test: *test, path: path.clone(), negated: *negated }
        }
    })
}
