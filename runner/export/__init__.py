"""Reading native exports: through their manifests, and trusted only when checked."""
