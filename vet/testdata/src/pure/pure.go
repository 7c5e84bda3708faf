package pure

const Answer = 42

func Twice(n int) int { return 2 * n }

var limits = map[string]int{"a": 1}
