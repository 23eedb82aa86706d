"""Human evaluation: can people distinguish generated images from real ones?"""
