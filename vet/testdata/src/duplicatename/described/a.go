// Package described has a registry that only its comments describe.
package described

type Info struct{ Name string }

var all []any

// Add adds a backend.
//
//roster:registry backends register name
func Add(name string, n int) { all = append(all, name, n) }

// Join adds a backend.
//
//roster:registry backends register info.Name
func Join(info *Info) { all = append(all, info) }

// Many adds a hook.
//
//roster:registry hooks register name many
func Many(name string) { all = append(all, name) }
