// Package top watches a daemon: it looks at its metrics and lists every so often, and shows what
// happened between two looks, as a table that stays in place on a terminal, as text, or as JSON.
//
// # Concurrency properties
//
// A Watch belongs to one goroutine. [Live] owns what it starts but one goroutine, which reads the
// keyboard and cannot be stopped while nobody types; it ends with the program.
package top
