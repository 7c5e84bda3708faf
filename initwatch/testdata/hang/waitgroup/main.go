// Command waitgroup does not reach main: an init waits for goroutines that do not end.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/waitgroup/dep" // hangs

func main() { println("main was here") }
