package resolver

type Builder interface{ Scheme() string }

func Register(b Builder) {}
