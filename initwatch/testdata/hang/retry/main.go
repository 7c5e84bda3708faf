// Command retry does not reach main: an init tries again for ever.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/retry/dep" // hangs

func main() { println("main was here") }
