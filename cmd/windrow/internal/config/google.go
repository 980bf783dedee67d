package config

// Google holds what Google's own tools call the project, as typed. The name has
// no prefix.
type Google struct {
	Project string `envconfig:"GOOGLE_CLOUD_PROJECT" desc:"project of the traces that log lines on Cloud Run name, where the sink names none"`
}
