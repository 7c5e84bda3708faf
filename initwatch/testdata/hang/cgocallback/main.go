// Command cgocallback does not reach main: C calls Go, which waits until all inits have run.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/cgocallback/dep" // hangs

func main() { println("main was here") }
