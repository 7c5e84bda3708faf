// Package dep has a select without cases.
package dep

func init() {
	serve() // init.0: select
}

func serve() {
	select {} // waits
}
