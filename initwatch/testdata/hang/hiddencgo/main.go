// Command hiddencgo does not reach main: cgo hides a deadlock from the runtime.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/hiddencgo/dep" // hangs

func main() { println("main was here") }
