// Command selectempty does not reach main: an init has a select without cases.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/selectempty/dep" // hangs

func main() { println("main was here") }
