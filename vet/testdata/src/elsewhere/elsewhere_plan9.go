package elsewhere

func init() { println("here") }
