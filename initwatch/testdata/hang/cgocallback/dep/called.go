package dep

import "C"

//export called
func called() {}
