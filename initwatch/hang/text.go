package hang

// index, cut, hasPrefix, contains and number are those of packages strings and strconv, which
// would have to initialise first.
func index(s, part string) int {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i:i+len(part)] == part {
			return i
		}
	}
	return -1
}

func cut(s, separator string) (before, after string) {
	if i := index(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):]
	}
	return s, ""
}

func hasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && s[:len(prefix)] == prefix
}

func hasSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix
}

func contains(s, part string) bool { return index(s, part) >= 0 }

// number reads the digits at the front of s; ok is false if there are none or too many.
func number(s string) (n int64, rest string, ok bool) {
	const most = 18 // digits that fit
	i := 0
	for i < len(s) && i < most && s[i] >= '0' && s[i] <= '9' {
		n = n*10 + int64(s[i]-'0')
		i++
	}
	return n, s[i:], i > 0
}

// decimal writes n, which is not negative.
func decimal(n int64) string {
	const base = 10
	if n < base {
		return string(rune('0' + n))
	}
	return decimal(n/base) + string(rune('0'+n%base))
}

func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t' || s[len(s)-1] == '\r') {
		s = s[:len(s)-1]
	}
	return s
}
