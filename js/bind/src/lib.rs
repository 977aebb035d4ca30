//! Empty: this crate is a program, which is built only with the feature `bind`.
