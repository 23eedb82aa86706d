"""Human evaluation: can people tell generated images from real ones?"""
