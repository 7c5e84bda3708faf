// Command swallow does not reach main: an earlier init takes SIGQUIT for itself.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/swallow/dep" // hangs

func main() { println("main was here") }
