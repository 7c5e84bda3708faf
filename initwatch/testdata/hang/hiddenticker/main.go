// Command hiddenticker does not reach main: a ticker hides a deadlock from the runtime.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/hiddenticker/dep" // hangs

func main() { println("main was here") }
