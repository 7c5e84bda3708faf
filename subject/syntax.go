package subject

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLen is the length limit of a subject and of a pattern, in bytes.
const MaxLen = 1024

// The two wildcards. Each is one only if it is a token of its own.
const (
	one  = "*"
	rest = ">"
)

// CheckSubject says whether messages can be published to subject: it has at least
// one token, none of which is empty or a wildcard, at most [MaxLen] bytes, and
// consists of characters that print. The error is an [*InvalidError].
func CheckSubject(subject string) error {
	if fault := subjectFault(subject); fault != "" {
		return &InvalidError{What: "subject", Text: subject, Fault: fault}
	}
	return nil
}

// CheckPattern says whether pattern can be subscribed to: it is a subject some
// tokens of which may be wildcards, > only as the last. The error is an
// [*InvalidError].
func CheckPattern(pattern string) error {
	if fault := patternFault(pattern); fault != "" {
		return &InvalidError{What: "pattern", Text: pattern, Fault: fault}
	}
	return nil
}

func subjectFault(subject string) string {
	if plain(subject) {
		return ""
	}
	if fault := fault(subject); fault != "" {
		return fault
	}
	if token, ok := wildcardOf(subject); ok {
		return fmt.Sprintf("the token %q is a wildcard, and a message goes to one subject", token)
	}
	return ""
}

func patternFault(pattern string) string {
	if plain(pattern) {
		return ""
	}
	if fault := fault(pattern); fault != "" {
		return fault
	}
	if i := strings.Index("."+pattern, "."+rest+"."); i >= 0 {
		return "a > takes all the tokens that are left, so it can only be the last one"
	}
	return ""
}

// plain tells quickly that s is a subject in ASCII. It is false for some others. It
// looks at eight bytes at a time, since every publication has to pass it.
func plain(s string) bool {
	if s == "" || len(s) > MaxLen || s[len(s)-1] == '.' {
		return false
	}
	afterDot := uint64(0x80) // where a token begins, as the high bit of its byte
	for i := 0; i < len(s); i += 8 {
		eight := uint64(fillers) // that do no harm
		if left := s[i:]; len(left) >= 8 {
			eight = uint64(left[0]) | uint64(left[1])<<8 | uint64(left[2])<<16 | uint64(left[3])<<24 |
				uint64(left[4])<<32 | uint64(left[5])<<40 | uint64(left[6])<<48 | uint64(left[7])<<56
		} else {
			for j := range len(left) {
				eight = eight&^(0xff<<(8*j)) | uint64(left[j])<<(8*j)
			}
		}
		outside := ((eight - '!'*ones) | (eight + ones)) & (0x80 * ones) // of what prints in ASCII
		dots := equal(eight, '.')
		special := dots | equal(eight, '*') | equal(eight, '>')
		begins := dots<<8 | afterDot
		if outside|special&begins != 0 {
			return false
		}
		afterDot = dots >> 56
	}
	return true
}

const (
	ones    = 0x0101010101010101
	fillers = 'a' * ones
)

// equal sets the high bit of each byte of eight that is c, if none of them has its
// high bit set.
func equal(eight, c uint64) uint64 {
	return ^(eight ^ c*ones + 0x7f*ones) & (0x80 * ones)
}

// fault is what is wrong with s both as a subject and as a pattern, or "".
func fault(s string) string {
	switch {
	case s == "":
		return "it is empty"
	case len(s) > MaxLen:
		return fmt.Sprintf("it has %d bytes, the limit is %d", len(s), MaxLen)
	case !utf8.ValidString(s):
		return "it is not valid UTF-8"
	case strings.HasPrefix(s, "."), strings.HasSuffix(s, "."), strings.Contains(s, ".."):
		return "a token is empty: there is something before and behind every dot"
	}
	for _, r := range s {
		if unicode.IsSpace(r) {
			return fmt.Sprintf("it contains white space, %U", r)
		}
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("it contains %U, which does not print", r)
		}
	}
	return ""
}

// wildcardOf is the first wildcard among the tokens of s.
func wildcardOf(s string) (token string, ok bool) {
	for more := true; more; {
		if token, s, more = strings.Cut(s, "."); token == one || token == rest {
			return token, true
		}
	}
	return "", false
}

// Match reports whether a message to subject goes to subscriptions of pattern. It
// is false if one of the two is not valid.
func Match(pattern, subject string) bool {
	return subjectFault(subject) == "" && Overlap(pattern, subject)
}

// Overlap reports whether there is a subject that both patterns match. It is false
// if one of the two is not valid.
func Overlap(a, b string) bool {
	if patternFault(a) != "" || patternFault(b) != "" {
		return false
	}
	for {
		x, moreOfA, goesOnA := strings.Cut(a, ".")
		y, moreOfB, goesOnB := strings.Cut(b, ".")
		switch {
		case x == rest || y == rest:
			return true
		case x != y && x != one && y != one, goesOnA != goesOnB:
			return false
		case !goesOnA:
			return true
		}
		a, b = moreOfA, moreOfB
	}
}
