package providers

import "github.com/roster-go/roster"

const goja = "github.com/dop251/goja_nodejs/"

// GojaModules has the Node modules for the JavaScript interpreter goja: the names
// for a script's require.
func GojaModules() roster.Catalogue { return gojaModules.catalogue() }

var gojaModules = listing{
	name:     "goja-modules",
	title:    "Node modules of goja",
	owner:    goja + "require",
	register: []string{"RegisterCoreModule", "RegisterNativeModule"},
	rows: []row{
		{"buffer", goja + "buffer", ""},
		{"console", goja + "console", ""},
		{"process", goja + "process", ""},
		{"url", goja + "url", ""},
		{"util", goja + "util", ""},
	},
}
