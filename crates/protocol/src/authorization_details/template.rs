//! Templates that may be registered: they put into words what an object holds, and build nothing
//! out of it. The engine charges for what is made, not for what it will take to write it out: a
//! list of twice the same list, sixty times over, is cheap to make and never done being written.

use minijinja::machinery::{CompiledTemplate, Instruction, get_compiled_template};
use minijinja::{Environment, UndefinedBehavior, filters, tests};

use super::{FUEL, TEMPLATE_BYTES_MAX};

/// The one name in its environment.
pub const TEMPLATE: &str = "template";

/// Makes a template ready.
///
/// # Errors
/// Why it cannot be registered.
pub fn compile(text: &str) -> Result<Environment<'static>, &'static str> {
    if text.len() > TEMPLATE_BYTES_MAX {
        return Err("it is too long");
    }
    let mut environment = Environment::empty();
    environment.set_fuel(Some(FUEL));
    // A member that is missing must not become a gap in what a person approves.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    add_filters(&mut environment);
    add_tests(&mut environment);
    environment
        .add_template_owned(TEMPLATE, text.to_owned())
        .map_err(|_| "it is not a template")?;
    let template = environment.get_template(TEMPLATE).map_err(|_| "it is not a template")?;
    if builds(get_compiled_template(&template)) {
        return Err("it may not make lists or maps, add, multiply or call functions");
    }
    Ok(environment)
}

/// Filters whose result is no larger than what it is made of, or that the engine charges for.
fn add_filters(environment: &mut Environment<'_>) {
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("int", filters::int);
    environment.add_filter("join", filters::join);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("map", filters::map);
    environment.add_filter("replace", filters::replace);
    environment.add_filter("round", filters::round);
    environment.add_filter("sort", filters::sort);
    environment.add_filter("title", filters::title);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("upper", filters::upper);
}

fn add_tests(environment: &mut Environment<'_>) {
    environment.add_test("defined", tests::is_defined);
    environment.add_test("false", tests::is_false);
    environment.add_test("none", tests::is_none);
    environment.add_test("number", tests::is_number);
    environment.add_test("string", tests::is_string);
    environment.add_test("true", tests::is_true);
    environment.add_test("undefined", tests::is_undefined);
}

/// Whether the template does more than to choose, repeat and write out.
fn builds(template: &CompiledTemplate<'_>) -> bool {
    let instructions = (0..).map_while(|place| template.instructions.get(place));
    instructions.into_iter().any(|instruction| {
        matches!(
            instruction,
            Instruction::Add
                | Instruction::Mul
                | Instruction::Pow
                | Instruction::BuildList(_)
                | Instruction::BuildMap(_)
                | Instruction::BuildTuple(_)
                | Instruction::MergeKwargs(_)
                | Instruction::UnpackLists(_)
                | Instruction::SetAttr(_)
                | Instruction::CallFunction(..)
                | Instruction::CallMethod(..)
                | Instruction::CallObject(_)
                | Instruction::FastRecurse
        )
    })
}
