// Package migration holds the code of the guide's chapter on migrating from a
// package-level map: a package before it, and after each step.
package migration
